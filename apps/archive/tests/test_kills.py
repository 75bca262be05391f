"""Workers that are killed in the middle of an export or an import: it is complete, with each row once."""

import contextlib
import datetime
import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.archive import exporting, files, importing, sweeping
from apps.archive.models import Export, Import
from apps.archive.tests.conftest import rows, zipped
from apps.commandqueue.core import store
from apps.commandqueue.models import Command, Kind
from apps.commandqueue.tests.conftest import TORTURE, let_time_pass, wait_for, work
from apps.commandqueue.tests.processes import kill, worker
from apps.commandqueue.tests.test_crashes import cut_others_off
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = 10_000 if TORTURE else 1_000
QUEUED = {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture(autouse=True)
def queued(settings: Any, own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands wait for workers, which have the files of the test, and nothing recurs in this process."""
    settings.TASKS = {"default": QUEUED}
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    monkeypatch.setenv("ARCHIVE_ROOT", str(own_files))


@contextlib.contextmanager
def locked(row: Export | Import) -> Iterator[psycopg2.extensions.connection]:
    """Holds the row on another connection, so that a worker stops where it records what it did."""
    with contextlib.closing(psycopg2.connect(**connection.get_connection_params())) as opened:
        with opened.cursor() as cursor:
            cursor.execute(f"SELECT FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
        yield opened


def waiting(number: int) -> None:
    def are_there() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            return int(cursor.fetchone()[0]) >= number

    wait_for(are_there)


def kill_a_worker(row: Export | Import, passes: int) -> None:
    """Lets a worker record ``passes`` steps, and kills it as it is about to record the next one."""
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(locked(row))
        process = stack.enter_context(worker("--queues=bulk"))
        others = stack.enter_context(ThreadPoolExecutor(1))
        waiting(1)
        for _ in range(passes):
            # Another lock queues behind the worker, and is next.
            behind = others.submit(stack.enter_context, locked(row))
            waiting(2)
            gate.commit()
            gate = behind.result(60)
            waiting(1)
        kill(process)
        gate.commit()
    cut_others_off()
    let_time_pass()
    store.reap(max_lost_attempts=3, base=0)


def work_until(row: Export | Import, state: str) -> None:
    for _ in range(NUMBER // 100 + 30):
        work(queues=["bulk"])
        row.refresh_from_db()
        if row.state == state:
            return
        let_time_pass()
    raise AssertionError(row.state)


def test_an_export_whose_workers_are_killed_is_complete_and_mailed_once(ann: User) -> None:
    Kwip.objects.bulk_create(Kwip(author=ann, text=f"tea {number}") for number in range(NUMBER))
    export, _ = exporting.ask(person=ann)
    for passes in range(3):
        kill_a_worker(export, passes)
    work_until(export, Export.State.READY)
    with zipfile.ZipFile(files.archive_of(export.pk)) as archive:
        assert archive.testzip() is None
        assert [row["text"] for row in rows(archive, "kwips")] == [f"tea {n}" for n in range(NUMBER)]
        pages = [name for name in archive.namelist() if name.startswith("kwips/") and "html" in name]
        shown = [text for name in pages for text in re.findall(r">(tea \d+)<", archive.read(name).decode())]
        assert shown == [f"tea {number}" for number in range(NUMBER)]
        assert len(set(archive.namelist())) == len(archive.namelist())
        assert json.loads(archive.read("archive.json"))["sections"]["kwips"]["rows"] == NUMBER
    assert Command.objects.filter(kind=Kind.MAIL).count() == 1
    assert not files.parts_of(export.pk).exists()


def test_an_import_whose_workers_are_killed_is_complete_and_has_each_row_once(ann: User) -> None:
    start = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
    kwips = [
        {
            "text": f"tea {number}",
            "key": str(uuid.uuid4()),
            "created_at": (start + datetime.timedelta(hours=number)).isoformat(),
        }
        for number in range(NUMBER)
    ]
    people = [{"username": f"person{number}"} for number in range(5)]
    for person in people:
        User.objects.create_user(person["username"], f"{person['username']}@example.org")
    content: dict[str, object] = {"follows": people, "kwips": kwips}
    upload = SimpleUploadedFile("x.zip", zipped(content))
    made = importing.receive(person=ann, kind="archive", upload=upload)
    work_until(made, Import.State.CHECKED)
    importing.go_on(person=ann)
    for passes in range(3):
        kill_a_worker(made, passes)
    # All three were attempts at one command, which is then a dead letter: the sweep enqueues another.
    Import.objects.update(moved_at=timezone.now() - sweeping.LOST_AFTER)
    sweeping.sweep.call()
    work_until(made, Import.State.DONE)
    assert made.outcomes == {"follows": {"done": 5}, "kwips": {"done": NUMBER}}
    stored = Kwip.objects.filter(author=ann).order_by("pk").values_list("text", flat=True)
    assert list(stored) == [f"tea {number}" for number in range(NUMBER)]
    ann.refresh_from_db()
    assert (ann.kwips_count, ann.following_count) == (NUMBER, 5)


def test_an_archive_that_cannot_be_finished_is_finished_later_and_mailed_once(ann: User, monkeypatch) -> None:
    export, _ = exporting.ask(person=ann)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("apps.archive.mails.ready", full)
        work(queues=["bulk"])
    export.refresh_from_db()
    assert export.state == Export.State.MAKING
    let_time_pass()
    work_until(export, Export.State.READY)
    assert Command.objects.filter(kind=Kind.MAIL).count() == 1
    assert export.expires_at is not None
    assert export.expires_at > timezone.now()
