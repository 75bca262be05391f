"""docs/security.md is what the tests' markers say."""

from tests.support import asvs


def test_the_page_is_the_one_that_the_markers_make() -> None:
    assert asvs.PAGE.read_text() == asvs.page(), "run: python -m tests.support.asvs > docs/security.md"


def test_each_marker_names_a_requirement() -> None:
    sections, _ = asvs.data()
    known = {number for _, ids in sections.values() for number in ids} | asvs.level_3()
    named = asvs.tests_by_requirement()
    assert {number: tests for number, tests in named.items() if number not in known} == {}


def test_what_a_test_holds_has_no_excuse() -> None:
    _, notes = asvs.data()
    tested = asvs.tests_by_requirement().keys()
    assert sorted(notes.keys() & tested) == [], "take the note out of tests/support/asvs_requirements.toml"
