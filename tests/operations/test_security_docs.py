"""docs/security.md is what the tests' markers say, and SECURITY.md names tests that exist."""

import re
from pathlib import Path

from django.conf import settings

from tests.support import asvs

ROOT = Path(settings.BASE_DIR)


def test_the_page_is_the_one_that_the_markers_make() -> None:
    assert asvs.PAGE.read_text() == asvs.page(), "run: python -m tests.support.asvs > docs/security.md"


def test_each_marker_names_a_requirement() -> None:
    sections, _ = asvs.data()
    known = {number for _, ids in sections.values() for number in ids} | asvs.level_3()
    named = asvs.tests_by_requirement()
    assert {number: tests for number, tests in named.items() if number not in known} == {}


def test_what_a_test_holds_has_no_excuse() -> None:
    tested = asvs.tests_by_requirement().keys()
    assert sorted(asvs.excused() & tested) == [], "take the note out of tests/support/asvs_requirements.toml"


def test_what_a_setting_meets_has_a_test() -> None:
    _, notes = asvs.data()
    assert sorted(notes.keys() - asvs.excused() - asvs.tests_by_requirement().keys()) == []


def test_each_promise_of_the_threat_model_names_a_test_that_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    promises = text.partition("## Promises")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 12
    for row in rows:
        places = re.findall(r"`((?:apps|deploy|kwippy|tests)/[\w/]+\.py)::(\w+)`", row)
        assert places, row
        for path, name in places:
            assert re.search(rf"^(?:    )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), (
                path,
                name,
            )


def test_it_is_one_page() -> None:
    assert len((ROOT / "SECURITY.md").read_text().split()) <= 900
