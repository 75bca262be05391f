"""Makes the archive: part by part, then the zip, then one mail.

A command makes parts until one is full, then enqueues the next command in the transaction that records the
part. So no command is long, and one that is killed repeats a part under the same names.
"""

import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.tasks import task
from django.template.loader import render_to_string
from django.utils import timezone

from apps.accounts import avatars, languages
from apps.accounts.models import User
from apps.archive import files, mails
from apps.archive.models import SMALLEST, Export
from apps.archive.registry import FORMAT, SECTIONS, VERSION, Section, after
from apps.archive.rows import pictures_of
from apps.pictures.files import read
from apps.securitylog import Event, record

PART_ROWS = 250
PART_CHARACTERS = 500_000
# The pictures of an archive, the newest; of the others it has the names.
PICTURES_BYTES = 500 << 20
KEPT = timedelta(days=1)
_CHUNK = 1 << 20


class _Part(NamedTuple):
    rows: list[dict[str, Any]]
    last: int  # the position of the last row
    is_full: bool


def ask(*, person: User) -> tuple[Export, bool]:
    """Begins a new archive in place of the former, unless one is in the making. Returns it, and whether."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        before = Export.objects.filter(person=person).first()
        if before and before.state == Export.State.MAKING:
            return before, False
        if before:
            former = files.of_export(before.pk)
            before.delete()
            transaction.on_commit(lambda: files.remove(*former))
        export = Export.objects.create(person=person, section=next(iter(SECTIONS)))
        record(Event.EXPORTED, user_id=person.pk)
        make.enqueue(export.pk)
        return export, True


@task(queue_name="bulk")
def make(export_id: int) -> None:
    """Makes parts of the archive until one is full; at the end the archive itself."""
    making = Export.objects.select_related("person").filter(pk=export_id, state=Export.State.MAKING)
    while export := making.first():
        section = SECTIONS.get(export.section)
        if section is None:
            with languages.of(export.person):
                _finish(export)
            return
        part = _read(section, export)
        with languages.of(export.person):
            _write(export, section, part)
        if not _record(export, section, part) or part.is_full:
            return


def _read(section: Section, export: Export) -> _Part:
    """The next rows of the section, as many as a part has."""
    rows: list[dict[str, Any]] = []
    last, characters = export.position, 0
    for position, row in section.rows(export.person_id, export.position):
        if len(rows) == PART_ROWS or characters > PART_CHARACTERS:
            return _Part(rows, last, is_full=True)
        rows.append(row)
        last = position
        characters += sum(len(value) for value in row.values() if isinstance(value, str))
    return _Part(rows, last, is_full=False)


def _write(export: Export, section: Section, part: _Part) -> None:
    """The two files of a part. The same part again has the same names."""
    number = export.made.get(section.name, (0, 0))[0] + 1
    stem = files.parts_of(export.pk) / section.name / f"{number:04}"
    with files.written(stem.with_suffix(".json")) as file:
        file.write(f'{{"section": {json.dumps(section.name)}, "rows": ['.encode())
        for place, row in enumerate(part.rows):
            file.write(b",\n" if place else b"\n")
            file.write(json.dumps(row, ensure_ascii=False).encode(errors="replace"))
        file.write(b"\n]}\n")
    context = {"section": section, "rows": part.rows, "number": number, "is_full": part.is_full}
    with files.written(stem.with_suffix(".html")) as file:
        file.write(render_to_string("archive/page.html", context).encode(errors="replace"))


def _record(export: Export, section: Section, part: _Part) -> bool:
    """Moves the export behind the part, unless another command did. A full part enqueues the next command."""
    parts, rows = export.made.get(section.name, (0, 0))
    moved = {
        "made": export.made | {section.name: [parts + 1, rows + len(part.rows)]},
        "section": section.name if part.is_full else after(section.name) or "",
        "position": part.last if part.is_full else SMALLEST,
        "moved_at": Now(),
    }
    with transaction.atomic():
        here = Export.objects.filter(
            pk=export.pk, state=Export.State.MAKING, section=export.section, position=export.position
        )
        is_moved = bool(here.update(**moved))
        if is_moved and part.is_full:
            make.enqueue(export.pk)
    return is_moved


def _finish(export: Export) -> None:
    """Joins all parts, and mails that it is ready, in the transaction that makes it so."""
    person = User.objects.get(pk=export.person_id)
    path = files.archive_of(export.pk)
    with files.written(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive.json", json.dumps(_manifest(export, person), indent=1) + "\n")
        archive.writestr("index.html", render_to_string("archive/index.html", _index(export, person)))
        for name, picture in avatars.of(person):
            archive.writestr(name, picture)
        _write_pictures(archive, person)
        for name, part in _written_parts(export):
            with part.open("rb") as source, archive.open(name, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
    size = path.stat().st_size
    with transaction.atomic():
        making = Export.objects.filter(pk=export.pk, state=Export.State.MAKING)
        expires_at = timezone.now() + KEPT
        state = Export.State.READY
        if making.update(state=state, bytes=size, moved_at=Now(), expires_at=expires_at):
            mails.ready(export.pk, person.email).send()
    files.remove(files.parts_of(export.pk))


def _write_pictures(archive: zipfile.ZipFile, person: User) -> None:
    """The pictures of the person's kwips, the newest first, one in memory at a time."""
    room = PICTURES_BYTES
    for picture in pictures_of(person.pk):
        room -= picture.bytes
        if room < 0:
            return
        if (content := read(picture.name, "full")) is not None:
            archive.writestr(f"pictures/{picture.name}.webp", content, zipfile.ZIP_STORED)


def _written_parts(export: Export) -> Iterator[tuple[str, Path]]:
    """Every file of every part by its name in the archive."""
    for name in _made(export):
        for number in range(1, export.made[name][0] + 1):
            for suffix in ("json", "html"):
                path = f"{name}/{number:04}.{suffix}"
                yield path, files.parts_of(export.pk) / path


def _made(export: Export) -> list[str]:
    """The sections in their order, which JSON in PostgreSQL does not keep."""
    return [name for name in SECTIONS if name in export.made]


def _manifest(export: Export, person: User) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "site": settings.SITE_URL,
        "person": person.username,
        "made_at": timezone.now().isoformat(),
        "sections": {
            name: dict(zip(("files", "rows"), export.made[name], strict=True)) for name in _made(export)
        },
    }


def _index(export: Export, person: User) -> dict[str, Any]:
    return {
        "person": person,
        "sections": [(SECTIONS[name], export.made[name][1]) for name in _made(export)],
        "made_at": timezone.now(),
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
    }
