"""Imports what a person uploaded: a first command checks and counts, a second one applies.

`apply` writes rows in the order of the file. The transaction that writes rows moves the import's position
behind them: a command that is killed goes on there, and no row is counted twice.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now
from django.tasks import task
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, now

from apps.accounts.models import User
from apps.archive import files, relations
from apps.archive.models import Import
from apps.archive.reading import Item, Refused, items
from apps.kwips.importing import EARLIEST, Past, TooMany, add_imported
from apps.kwips.models import NOTE_LIMIT, TEXT_LIMIT
from apps.plaintext import clean, clean_line, truncate

BATCH = 250  # kwips of a transaction, and rows of a command, which enqueues the next one
PROBLEMS = 200  # kept of an import
_BUSY = (Import.State.CHECKING, Import.State.APPLYING)


class Busy(Exception):
    """An import of the person is in work."""


def receive(*, person: User, kind: str, upload: UploadedFile) -> Import:
    """Keeps the upload in place of the former one, and has it checked. Raises `Busy`, OSError."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        before = Import.objects.filter(person=person).first()
        if before and before.state in _BUSY:
            raise Busy
        if before:
            former = files.upload_of(before.pk)
            before.delete()
            transaction.on_commit(lambda: files.remove(former))
        made = Import.objects.create(person=person, kind=kind)
        with files.written(files.upload_of(made.pk)) as file:
            for chunk in upload.chunks():
                file.write(chunk)
        check.enqueue(made.pk)
        return made


def go_on(*, person: User) -> bool:
    """Applies what was checked. Returns False if there is nothing to apply."""
    checked = Import.objects.filter(person=person, state=Import.State.CHECKED)
    with transaction.atomic():
        found = checked.select_for_update().first()
        if found is not None:
            checked.update(state=Import.State.APPLYING, moved_at=Now())
            apply.enqueue(found.pk)
    return found is not None


@task(queue_name="bulk")
def check(import_id: int) -> None:
    """Reads the whole upload and counts its rows."""
    if (checking := _in(import_id, Import.State.CHECKING)) is None:
        return
    found: Counter[str] = Counter()
    try:
        for item in items(files.upload_of(import_id), checking.kind):
            found[item.section] += 1
    except Refused as refused:
        _fail(checking, str(refused))
        return
    here = Import.objects.filter(pk=import_id, state=Import.State.CHECKING)
    here.update(state=Import.State.CHECKED, found=dict(found), moved_at=Now())


@task(queue_name="bulk")
def apply(import_id: int) -> None:
    """Writes `BATCH` rows from the position on."""
    if (applying := _in(import_id, Import.State.APPLYING)) is None:
        return
    person, end = User.objects.get(pk=applying.person_id), applying.position + BATCH
    try:
        rows = islice(items(files.upload_of(import_id), applying.kind), applying.position, None)
        for batch in _batches(rows):
            if not _apply(applying, person, batch):
                return
            if applying.position >= end:
                apply.enqueue(import_id)
                return
    except Refused as refused:
        _fail(applying, str(refused))
        return
    done = Import.objects.filter(pk=import_id, state=Import.State.APPLYING, position=applying.position)
    if done.update(state=Import.State.DONE, moved_at=Now()):
        files.remove(files.upload_of(import_id))


def _batches(rows: Iterator[Item]) -> Iterator[list[Item]]:
    """Kwips in batches, people one by one: each of them locks two people."""
    batch: list[Item] = []
    for item in rows:
        if batch and (item.section != "kwips" or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(item)
        if item.section != "kwips":
            yield batch
            batch = []
    if batch:
        yield batch


@transaction.atomic
def _apply(applying: Import, person: User, batch: list[Item]) -> bool:
    """Applies a batch, unless another command did: then it returns False."""
    here = Import.objects.select_for_update().filter(pk=applying.pk, state=Import.State.APPLYING)
    locked = here.filter(position=applying.position).first()
    if locked is None:
        return False
    section = batch[0].section
    if section == "kwips":
        outcomes, problems = _add_kwips(person, [item.row for item in batch])
    else:
        outcome = relations.relate(person, section, str(batch[0].row))
        outcomes = Counter({outcome: 1})
        problems = [] if outcome in relations.FINE else [[str(batch[0].row)[:80], outcome]]
    before = locked.outcomes.get(section, {})
    locked.outcomes[section] = dict(Counter(before) + outcomes)
    locked.problems = (locked.problems + [[section, *problem] for problem in problems])[:PROBLEMS]
    locked.position += len(batch)
    locked.moved_at = now()
    locked.save(update_fields=["outcomes", "problems", "position", "moved_at"])
    applying.position = locked.position
    return True


def _add_kwips(person: User, rows: list[Any]) -> tuple[Counter[str], list[list[str]]]:
    read = [past_of(row) for row in rows]
    kwips = [past for past in read if past is not None]
    outcomes = Counter({"unreadable": len(read) - len(kwips)})
    try:
        added = add_imported(author=person, kwips=kwips)
    except TooMany:
        return outcomes + Counter({"too_many": len(kwips)}), []
    return outcomes + Counter({"done": added, "already": len(kwips) - added}), []


def past_of(row: object) -> Past | None:
    """A kwip of an archive; None if it lacks a text, a key or a time, or has one that no kwip can have."""
    if not isinstance(row, dict):
        return None
    text, key, created_at = (row.get(name) for name in ("text", "key", "created_at"))
    if not (isinstance(text, str) and isinstance(key, str) and isinstance(created_at, str)):
        return None
    text = clean(text)
    try:
        text.encode()
        time_, identity = parse_datetime(created_at), uuid.UUID(key)
    except ValueError:
        return None
    if not text or len(text) > TEXT_LIMIT or "\0" in text or time_ is None or not is_aware(time_):
        return None
    try:
        is_possible = EARLIEST <= time_ <= now()
    except OverflowError:
        return None
    if not is_possible:
        return None
    followers_only, is_formatted = row.get("followers_only") is not False, row.get("formatted") is True
    return Past(identity, text, time_, followers_only, _note_of(row), is_formatted)


def _note_of(row: dict[str, object]) -> str:
    """The note before the text; a longer one than can be kept is cut, as no text may lose its note."""
    note = row.get("note")
    line = clean_line(note) if isinstance(note, str) else ""
    try:
        line.encode()
    except UnicodeEncodeError:
        line = line.encode(errors="replace").decode()
    return truncate(line.replace("\0", ""), NOTE_LIMIT)


def _in(import_id: int, state: str) -> Import | None:
    return Import.objects.filter(pk=import_id, state=state).first()


def _fail(failed: Import, refusal: str) -> None:
    Import.objects.filter(pk=failed.pk, state__in=_BUSY).update(
        state=Import.State.FAILED, refusal=refusal, moved_at=Now()
    )
    files.remove(files.upload_of(failed.pk))
