"""No file without a row and no row without a use is left, however an upload or a sweep ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.pictures import actions, files, holders, sweeping
from apps.pictures.models import Picture, Shape
from apps.pictures.tests.made import upload

type Stored = Callable[[], list[str]]

# Where the process is killed: before or after so many calls of a function.
KILLS = [
    ("the row", "apps.pictures.models.Picture.objects.create", 1, "before"),
    ("the row", "apps.pictures.models.Picture.objects.create", 1, "after"),
    *(("file", "django.core.files.storage.default_storage.save", number, "after") for number in (1, 2, 3)),
    ("half a file", "django.core.files.storage.default_storage.save", 2, "half"),
    ("the end", "apps.pictures.actions._stored", 1, "after"),
    ("deleted file", "django.core.files.storage.default_storage.delete", 2, "after"),
    ("deleted row", "apps.pictures.sweeping._delete", 1, "before"),
    ("deleted row", "apps.pictures.sweeping._delete", 1, "after"),
]
PROGRAM = """
import os, signal, sys
import django
from pathlib import Path
django.setup()
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.utils.module_loading import import_string
from apps.pictures import actions, decoding, sweeping
from apps.pictures.models import Picture
from apps.pictures.tests.made import upload
settings.LIMITS = {"picture": None, "picture_seconds": None}
settings.MEDIA_ROOT = os.environ["MEDIA_ROOT"]
decoding.WALL_SECONDS = decoding.LOCK_SECONDS = 60
where, number, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
path, _dot, name = where.rpartition(".")
try:
    place = import_string(path)
except ImportError:
    import importlib
    try:
        place = importlib.import_module(path)
    except ImportError:
        place = import_string(path.rpartition(".")[0]).objects
work, calls = getattr(place, name), 0
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def watched(*given, **named):
    global calls
    calls += 1
    if calls == number and when == "before":
        kill()
    if calls == number and when == "half":
        half = Path(settings.MEDIA_ROOT) / given[0]
        half.write_bytes(b"RIFF")
        kill()
    result = work(*given, **named)
    if calls == number and when == "after":
        kill()
    return result
setattr(place, name, watched)
picture = actions.upload(owner=get_user_model().objects.get(username="ann"), file=upload())
actions.release(pictures=[picture])
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill[0]}, {kill[3]} {kill[2]}")
def test_a_kill_at_any_point_leaves_no_orphan_after_the_sweep(
    kill: tuple[str, str, int, str], media: Path, stored: Stored
) -> None:
    get_user_model().objects.create_user("ann", "ann@example.org", "a long password")
    name = str(connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_NAME": name, "MEDIA_ROOT": str(media), "STATIC_MANIFEST": "0"}
    arguments = [kill[1], str(kill[2]), kill[3]]
    killed = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # No file is there whose row is not.
    rows = set(Picture.objects.values_list("name", flat=True))
    assert {Path(path).name.partition(".")[0] for path in stored()} <= rows
    # A picture without all its files can't be used.
    whole = Picture.objects.filter(bytes__gt=0, waits_until__gt=timezone.now())
    assert len(stored()) == 3 or not whole.exists()
    Picture.objects.update(waits_until=timezone.now())
    sweeping.sweep()
    assert (stored(), Picture.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_an_upload_that_a_sweep_overtook_is_refused_and_leaves_nothing(
    ann: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write

    def slow(*given: Any) -> None:
        write(*given)
        Picture.objects.all().delete()

    monkeypatch.setattr(files, "write", slow)
    with pytest.raises(actions.Refused):
        actions.upload(owner=ann, file=upload())
    assert stored() == []


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of pictures that something shows."""
    names: set[str] = set()

    def held(asked: Collection[str]) -> set[str]:
        return names.intersection(asked)

    monkeypatch.setattr(holders, "_holders", {Shape.WHOLE: [held]})
    return names


def grow_old() -> None:
    Picture.objects.update(created_at=timezone.now() - timedelta(days=2))


def test_a_used_picture_that_nothing_shows_is_deleted(ann: Any, shown: set[str], stored: Stored) -> None:
    kept, lost = (actions.upload(owner=ann, file=upload()) for _ in range(2))
    actions.use(owner=ann, names=[kept.name, lost.name])
    shown.add(kept.name)
    assert sweeping.unheld() == 0, "they are young"
    grow_old()
    assert sweeping.unheld() == 1
    sweeping.sweep()
    assert list(Picture.objects.all()) == [kept]
    assert len(stored()) == 3


def test_without_a_holder_a_used_picture_is_kept(
    ann: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_holders", {})
    picture = actions.upload(owner=ann, file=upload())
    actions.use(owner=ann, names=[picture.name])
    grow_old()
    assert sweeping.unheld() == 0
    sweeping.sweep()
    assert len(stored()) == 3


def test_each_run_looks_at_a_bounded_number_of_used_pictures(
    ann: Any, shown: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LOOKED_AT", 2)
    rows = [
        Picture(name=f"{number:032x}", owner=ann, width=1, height=1, color="#000000", bytes=1)
        for number in range(5)
    ]
    Picture.objects.bulk_create(rows)
    grow_old()
    assert [sweeping.unheld() for _ in range(3)] == [2, 2, 1]


def test_files_without_a_row_are_deleted_once_they_are_old(
    ann: Any, media: Path, stored: Stored, shown: set[str]
) -> None:
    picture = actions.upload(owner=ann, file=upload())
    foreign = media / "avatars" / "readme.txt"
    lost, held, young = (media / "avatars" / f"{digit * 32}.webp" for digit in "abc")
    variant = media / files.path("d" * 32, "list")
    for path in (foreign, lost, held, young, variant):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
    shown.add("b" * 32)
    long_ago = time.time() - 86_400
    for path in media.rglob("*.*"):
        if path not in (young,) and path.is_file():
            os.utime(path, (long_ago, long_ago))
    assert sum(sweeping.strays(folder) for folder in files.folders()) == 2
    left = {str(path.relative_to(media)) for path in (foreign, held, young)}
    assert {*stored()} == left | {files.path(picture.name, name) for name in ("thumb", "list", "full")}


def test_a_folder_of_many_files_is_listed_once_and_compared_in_parts(
    ann: Any, shown: set[str], media: Path, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(sweeping, "LOOKED_AT", 2)
    monkeypatch.setattr(sweeping, "YOUNG", -sweeping.YOUNG)
    listed = []
    listdir = default_storage.listdir

    def watched(path: str) -> Any:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(default_storage, "listdir", watched)
    (media / "avatars").mkdir(parents=True)
    for number in range(5):
        (media / "avatars" / f"{number:032x}.webp").write_bytes(b"RIFF")
    shown.add(f"{3:032x}")
    with django_assert_num_queries(3):
        assert sweeping.strays("avatars") == 4
    assert listed == ["avatars"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["sweep", "release", "leave"])
def test_no_transaction_waits_for_the_storage(
    way: str, ann: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends a session whose transaction is idle for ten seconds, and so the whole batch."""
    picture = actions.upload(owner=ann, file=upload())
    remove = files.remove
    in_transaction = []

    def removed(name: str, shape: str) -> None:
        in_transaction.append(connection.in_atomic_block)
        remove(name, shape)

    monkeypatch.setattr(files, "remove", removed)
    if way == "release":
        actions.release(pictures=[picture])
    elif way == "leave":
        assert sweeping.delete_of(ann.pk, 100) == 1
    else:
        Picture.objects.update(waits_until=timezone.now())
        assert sweeping.expired() == 1
    assert in_transaction == [False]
    assert (stored(), Picture.objects.count()) == ([], 0)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of pictures whose files the storage does not delete."""
    names: set[str] = set()
    remove = files.remove

    def removed(name: str, shape: str) -> None:
        if name in names:
            raise PermissionError(name)
        remove(name, shape)

    monkeypatch.setattr(files, "remove", removed)
    return names


def waiting_rows(ann: Any, number: int) -> list[Picture]:
    """The wait of the first ends first."""
    until = timezone.now() + timedelta(hours=1)
    return Picture.objects.bulk_create(
        Picture(
            name=f"{place:032x}",
            owner=ann,
            width=1,
            height=1,
            color="#000000",
            waits_until=until + timedelta(seconds=place),
        )
        for place in range(number)
    )


def end_wait() -> None:
    """A moment ago."""
    Picture.objects.update(waits_until=F("waits_until") - timedelta(hours=1, minutes=1))


@pytest.mark.django_db
def test_a_file_that_is_not_deleted_keeps_no_other(
    ann: Any, shown: set[str], stuck: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    rows = waiting_rows(ann, 5)
    stuck.update(picture.name for picture in rows[:2])
    end_wait()
    assert sweeping.sweep() == 0, "a whole batch of them"
    assert sweeping.sweep() == 3
    assert sweeping.sweep() == 0
    stuck.clear()
    assert sweeping.sweep() == 2


@pytest.mark.django_db
def test_a_storage_that_is_away_is_asked_a_few_times(
    ann: Any, stuck: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck.update(picture.name for picture in waiting_rows(ann, 10))
    end_wait()
    asked = []
    refuse = files.remove

    def watched(name: str, shape: str) -> None:
        asked.append(name)
        refuse(name, shape)

    monkeypatch.setattr(files, "remove", watched)
    assert sweeping.expired() == 0
    assert len(asked) == sweeping.FAILURES
    assert Picture.objects.count() == 10


@pytest.mark.django_db
def test_the_pictures_of_a_person_who_leaves_are_deleted_around_one_that_is_not(
    ann: Any, stuck: set[str]
) -> None:
    rows = waiting_rows(ann, 5)
    stuck.add(rows[0].name)
    assert sweeping.delete_of(ann.pk, 3) + sweeping.delete_of(ann.pk, 3) == 4
    with pytest.raises(PermissionError):  # 0 would mean that none is left: the row would go, the file stay
        sweeping.delete_of(ann.pk, 3)
    stuck.clear()
    assert sweeping.delete_of(ann.pk, 3) == 1


@pytest.mark.django_db(transaction=True)
def test_what_waited_for_the_sweeps_lock_does_not_use_the_picture(ann: Any, stored: Stored) -> None:
    """The statement of `use` began before the wait was over, and sees the row as the sweep left it."""
    picture = actions.upload(owner=ann, file=upload())
    Picture.objects.update(waits_until=timezone.now() + timedelta(seconds=1))

    def use() -> list[Picture]:
        try:
            return actions.use(owner=ann, names=[picture.name])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Picture.objects.select_for_update())
            used = pool.submit(use)
            while Picture.objects.filter(waits_until__gt=Now()).exists():
                time.sleep(0.05)
            batch = sweeping._given_up(Q())
        assert used.result() == []
    assert sweeping._delete(batch) == 1
    assert (stored(), Picture.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_an_upload_that_took_longer_than_its_wait_is_not_revived(
    ann: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "UNSTORED_WAIT", -timedelta(seconds=1))
    with pytest.raises(actions.Refused):
        actions.upload(owner=ann, file=upload())
    assert (stored(), Picture.objects.count()) == ([], 0)
