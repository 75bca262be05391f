"""Sections of the archive that the site adds (`kwippy/archived.py`)."""

from pathlib import Path
from typing import Any

import pytest

from apps.archive.registry import SECTIONS
from apps.archive.tests.conftest import exported, rows
from apps.moderation import actions
from apps.moderation.cases import of_kwip
from apps.moderation.models import Reason, What
from tests.invalidation.scenario import write
from tests.support.people import member

pytestmark = pytest.mark.django_db


def test_reports_warnings_and_appeals_of_a_person_are_in_it_without_words_of_others(
    settings: Any, tmp_path: Path
) -> None:
    settings.ARCHIVE_ROOT = str(tmp_path)
    ann, bob = member("ann"), member("bob")
    for kwip, by in ((write(bob, "bobs words"), ann), (write(ann, "anns words"), bob)):
        words = f"{by} says so"
        actions.report(thing=of_kwip(kwip), reporter=by, reason=Reason.SPAM, words=words)
        warned = actions.act(what=What.WARN, person=kwip.author, by=None, reason=Reason.OTHER, words="less")
        actions.appeal(action=warned, words=f"{kwip.author} never")
    archive = exported(ann)
    [reported], [warning], [appeal] = (rows(archive, name) for name in ("reported", "warnings", "appeals"))
    assert [reported[name] for name in ("about", "kind", "reason")] == ["bob", "kwip", "spam"]
    assert [row["words"] for row in (reported, warning, appeal)] == ["ann says so", "less", "ann never"]
    for name, row in {"reported": reported, "warnings": warning, "appeals": appeal}.items():
        assert list(row) == list(SECTIONS[name].fields)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"bobs words" not in everything
    assert b"bob says so" not in everything
