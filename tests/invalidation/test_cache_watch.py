"""A wrong entry is counted, a right one never."""

import datetime
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from django.contrib.sessions.models import Session
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import Client
from prometheus_client import generate_latest

from apps import lookaside, pagecache
from apps.accounts.backends import CachedUserBackend
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.cachewatch import metrics, watch
from apps.cachewatch.kinds import Item, Kind, kinds
from apps.cachewatch.models import Watched
from apps.cachewatch.tasks import watch_caches
from apps.keyset import moving
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.2)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def kwip(ann: User) -> Kwip:
    return actions.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip


@pytest.fixture
def everything_cached(ann: User, kwip: Kwip) -> Client:
    """A member is signed in, and has seen pages that visitors have seen too."""
    client = Client()
    client.force_login(ann)
    assert client.get("/everyone/").status_code == 200
    application = pagecache.wrapped(WSGIHandler())
    for path in ("/everyone/", f"/ann/kwip/{kwip.pk}/"):
        response_of(application, warming_request(path))
    return client


def figures() -> dict[str, tuple[int, int]]:
    return {row.kind: (row.looked_at, row.stale) for row in Watched.objects.all()}


def spoil_user(ann: User, client: Client) -> None:
    User.objects.filter(pk=ann.pk).update(display_name="Another")  # without its invalidation


def spoil_session(ann: User, client: Client) -> None:
    Session.objects.all().delete()


def spoil_card_and_page(ann: User, client: Client) -> None:
    Kwip.objects.update(text="coffee")


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (spoil_user, {"users": 1}),
        (spoil_session, {"sessions": 1}),
        # Both pages: that of the list is compared with a card from PostgreSQL, not with the cached one.
        (spoil_card_and_page, {"cards": 1, "pages": 2}),
    ],
)
def test_an_entry_that_is_wrong_on_purpose_is_counted(
    spoil: Callable[[User, Client], None], wrong: dict[str, int], ann: User, everything_cached: Client
) -> None:
    assert watch_caches.call() == dict.fromkeys(("users", "sessions", "cards", "pages"), 0)
    assert all(looked_at > 0 for looked_at, _ in figures().values())
    spoil(ann, everything_cached)
    found = watch_caches.call()
    assert {name: found[name] for name in wrong} == wrong
    assert {name: figures()[name][1] for name in wrong} == wrong
    exposed = generate_latest(metrics.registry()).decode()
    for name in wrong:
        assert f'kwippy_cache_stale_total{{kind="{name}"}} {float(found[name])}' in exposed


def test_a_page_that_differs_only_by_when_its_walk_begins_is_not_counted(
    kwip: Kwip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cursors are other ones a moment after the newest kwip, without a change in PostgreSQL."""
    response_of(pagecache.wrapped(WSGIHandler()), warming_request("/everyone/?sort=active"))
    monkeypatch.setattr(moving, "COMMITTED_AFTER", datetime.timedelta(0))
    assert watch_caches.call()["pages"] == 0
    assert figures()["pages"][0] == 1


def test_a_wrong_entry_is_logged_without_the_key_of_the_session(
    ann: User, everything_cached: Client, caplog: pytest.LogCaptureFixture
) -> None:
    secret = everything_cached.cookies["sessionid"].value
    Session.objects.all().delete()
    watch_caches.call()
    assert "stale: sessions" in caplog.text
    assert secret not in caplog.text


def test_an_entry_that_is_invalidated_within_the_second_is_not_counted(
    ann: User, everything_cached: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a writer that is between its COMMIT and its invalidation."""
    User.objects.filter(pk=ann.pk).update(display_name="Another")

    def invalidated(seconds: float) -> None:
        lookaside.cache().invalidate([f"user:{ann.pk}"])
        CachedUserBackend().get_user(ann.pk)

    monkeypatch.setattr(watch.time, "sleep", invalidated)
    assert watch_caches.call()["users"] == 0


def test_under_writers_a_right_entry_is_never_counted(
    ann: User, kwip: Kwip, everything_cached: Client
) -> None:
    over = threading.Event()
    written = [0]

    def write() -> None:
        while not over.is_set():
            written[0] += 1
            person = User.objects.get(pk=ann.pk)
            person.display_name = f"Ann {written[0]}"
            person.save()
            actions.edit(kwip=Kwip.objects.get(pk=kwip.pk), text=f"tea {written[0]}")
        connections.close_all()

    def read() -> None:
        client = Client()
        client.force_login(ann)
        application = pagecache.wrapped(WSGIHandler())
        while not over.is_set():
            client.get("/everyone/")
            SessionStore(client.cookies["sessionid"].value).load()
            response_of(application, warming_request("/everyone/"))
        connections.close_all()

    threads = [threading.Thread(target=work) for work in (write, read)]
    for thread in threads:
        thread.start()
    try:
        until = time.monotonic() + 5
        looks = 0
        while time.monotonic() < until or looks < 5:
            looks += 1
            assert set(watch_caches.call().values()) == {0}
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert written[0] > 10
    assert figures()["users"][0] > 0


def test_a_look_has_an_end(monkeypatch: pytest.MonkeyPatch, everything_cached: Client) -> None:
    monkeypatch.setattr(watch, "SECONDS", -1)
    assert all(watch.look(kind, kind.sample()).found == 0 for kind in kinds)


def test_samples_are_bounded(everything_cached: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def items(ids: Sequence[int]) -> list[Item]:
        asked.extend(ids)
        return []

    monkeypatch.setattr(watch, "kinds", [Kind("many", lambda: range(10_000), items)])
    assert watch.watch() == {"many": 0}
    assert len(asked) == watch.SAMPLE


def test_an_entry_is_not_suspected_if_its_rows_changed_while_it_was_read() -> None:
    lookaside.cache().get_or_compute("watched", lambda: "new")
    rows = iter(["old", "new"])
    kind = Kind("moving", list, lambda _: [Item(1, "watched", lambda: next(rows))])
    assert watch.look(kind, [1]) == watch.Look(1, {})


def test_an_entry_that_contradicts_its_rows_is_suspected() -> None:
    lookaside.cache().get_or_compute("watched", lambda: "old")
    kind = Kind("standing", list, lambda _: [Item(1, "watched", lambda: "new")])
    assert list(watch.look(kind, [1]).suspected) == ["watched"]


def test_without_memcached_nothing_is_found(everything_cached: Client, settings: Iterator[object]) -> None:
    settings.CACHES = settings.CACHES | {  # type: ignore[attr-defined]
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    assert set(watch_caches.call().values()) == {0}
