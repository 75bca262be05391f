"""What the tests share: files in a folder of their own, commands that run at once, archives to read."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.archive import exporting, files, importing
from apps.archive.models import Export, Import
from tests.support.fixtures import ann, bob, comment, publish

__all__ = ["ann", "bob", "comment", "publish"]


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> Path:
    settings.ARCHIVE_ROOT = str(tmp_path / "archives")
    return tmp_path / "archives"


def exported(person: User) -> zipfile.ZipFile:
    """The archive of a person, made by this process."""
    export, _ = exporting.ask(person=person)
    while Export.objects.get(pk=export.pk).state == Export.State.MAKING:
        exporting.make.call(export.pk)
    return zipfile.ZipFile(io.BytesIO(files.archive_of(export.pk).read_bytes()))


def rows(archive: zipfile.ZipFile, section: str) -> list[dict[str, Any]]:
    """The rows of all parts of a section."""
    names = sorted(name for name in archive.namelist() if name.startswith(f"{section}/") and "json" in name)
    return [row for name in names for row in json.loads(archive.read(name))["rows"]]


def zipped(content: dict[str, object], *, site: str = "http://localhost:8000") -> bytes:
    """An archive with these rows by section."""
    buffer = io.BytesIO()
    manifest = {"format": "kwippy archive", "version": 1, "site": site, "person": "eve"}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive.json", json.dumps(manifest))
        for section, of_section in content.items():
            whole = json.dumps({"section": section, "rows": of_section})
            archive.writestr(f"{section}/0001.json", whole)
    return buffer.getvalue()


def received(person: User, data: bytes, kind: str = "archive") -> Import:
    """An upload, checked by this process."""
    made = importing.receive(person=person, kind=kind, upload=SimpleUploadedFile("x", data))
    importing.check.call(made.pk)
    made.refresh_from_db()
    return made


def imported(person: User, data: bytes, kind: str = "archive") -> Import:
    """An upload, applied by this process."""
    made = received(person, data, kind)
    assert made.state == Import.State.CHECKED, made.refusal
    importing.go_on(person=person)
    while made.state in (Import.State.CHECKED, Import.State.APPLYING):
        importing.apply.call(made.pk)
        made.refresh_from_db()
    return made
