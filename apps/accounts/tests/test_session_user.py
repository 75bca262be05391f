"""A request's session and user in one round trip: a hint saves a trip, and decides nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.contrib import auth
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts import actions, middleware
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from tests.support.concurrency import at_once
from tests.support.http import Member
from tests.support.people import member
from tests.support.site import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture(autouse=True)
def hints(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The hints of this process, at first none."""
    hints: dict[str, int] = {}
    monkeypatch.setattr(middleware, "_owners", hints)
    return hints


@pytest.fixture
def bob(db: None) -> User:
    return member("bob")


def viewer_of(client: Client) -> str | None:
    """The member for whom a page is rendered that reads nothing else."""
    found = re.search(r'data-viewer="(\w+)"', client.get("/about/").content.decode())
    return found[1] if found else None


def signed_in(user: User) -> Client:
    """A browser whose session and user are cached, with the right hint."""
    client = Client()
    client.force_login(user)
    assert viewer_of(client) == user.username
    return client


def key_of(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def trips(client: Client, viewer: str | None) -> int:
    """The round trips of a page that the viewer gets."""
    with lookaside.stats.collected() as counted:
        assert viewer_of(client) == viewer
    return counted.round_trips


def test_the_first_page_learns_the_hint_and_the_next_ones_take_one_trip(ann: User) -> None:
    client = signed_in(ann)
    with CaptureQueriesContext(connection) as captured:
        assert [trips(client, "ann"), trips(client, "ann")] == [1, 1]
    assert len(captured) == 0


def test_a_wrong_hint_costs_one_trip_and_shows_the_sessions_own_user(
    ann: User, bob: User, hints: dict[str, int]
) -> None:
    client = signed_in(ann)
    signed_in(bob)
    hints[key_of(client)] = bob.pk
    assert [trips(client, "ann"), trips(client, "ann")] == [2, 1]


def test_a_wrong_hint_takes_no_lease(ann: User, bob: User, hints: dict[str, int]) -> None:
    client = signed_in(ann)
    hints[key_of(client)] = bob.pk
    lookaside.cache().invalidate([user_key(bob.pk)])
    assert trips(client, "ann") == 2
    with lookaside.stats.collected() as counted:
        CachedUserBackend().get_user(bob.pk)
    assert counted.waits == 0


def test_each_process_learns_its_own_hints(ann: User, hints: dict[str, int]) -> None:
    client = signed_in(ann)
    hints.clear()  # another process
    assert [trips(client, "ann"), trips(client, "ann")] == [2, 1]


def test_hints_are_bounded(ann: User, hints: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "MOST_OWNERS", 3)
    clients = [signed_in(ann) for _ in range(7)]
    assert len(hints) <= 3
    assert [viewer_of(client) for client in clients] == ["ann"] * 7
    assert len(hints) <= 3


def test_an_evicted_user_and_an_evicted_session_are_read_and_cached_again(ann: User) -> None:
    client = signed_in(ann)
    for key in (user_key(ann.pk), session_key(key_of(client))):
        lookaside.cache().invalidate([key])
        with CaptureQueriesContext(connection) as captured:
            trips(client, "ann")
        assert len(captured) == 1
        assert trips(client, "ann") == 1


def sign_out_elsewhere(client: Client, ann: User) -> None:
    copy = Client()
    copy.cookies.update(client.cookies)
    copy.post("/accounts/logout/")


def end_session(client: Client, ann: User) -> None:
    SessionStore(key_of(client)).delete()


def deactivate(client: Client, ann: User) -> None:
    ann.is_active = False
    ann.save()


def change_password(client: Client, ann: User) -> None:
    ann.set_password("another long one")
    ann.save()


def delete(client: Client, ann: User) -> None:
    User.objects.get().delete()


ENDS = [sign_out_elsewhere, end_session, deactivate, change_password, delete]


@pytest.mark.parametrize("end", ENDS)
def test_with_a_hint_the_member_is_signed_out_at_once(ann: User, end: Callable[[Client, User], None]) -> None:
    client = signed_in(ann)
    at_once([lambda: end(client, ann)])
    assert viewer_of(client) is None


def before_the_user_is_read(monkeypatch: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Runs the action once, between the round trip and the check of the session."""
    load = auth.load_backend
    left = [action]

    def overtaken(path: str) -> Any:
        while left:
            left.pop()()
        return load(path)

    monkeypatch.setattr(auth, "load_backend", overtaken)


@pytest.mark.parametrize("end", [deactivate, change_password, delete])
def test_a_write_of_this_thread_after_the_round_trip_voids_the_peek(
    ann: User, end: Callable[[Client, User], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ann)
    before_the_user_is_read(monkeypatch, lambda: end(client, ann))
    assert viewer_of(client) is None


@pytest.mark.parametrize("end", ENDS)
def test_a_write_elsewhere_after_the_round_trip_counts_for_the_next_page(
    ann: User, end: Callable[[Client, User], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ann)
    before_the_user_is_read(monkeypatch, lambda: at_once([lambda: end(client, ann)]))
    viewer_of(client)  # this page began before the write
    assert viewer_of(client) is None
    assert CachedUserBackend().get_user(ann.pk) == User.objects.filter(is_active=True).first()


def test_an_entry_of_a_release_with_other_columns_is_read_anew(ann: User) -> None:
    older = ann.for_cache()
    del older["is_private"]
    key, cache = user_key(ann.pk), lookaside.cache()
    cache.get_or_compute(key, lambda: older)
    found = CachedUserBackend().get_user(ann.pk)
    assert found is not None
    assert not found.is_private
    assert cache.get_or_compute(key, lambda: older, schema=User.cached_schema()) == ann.for_cache(), (
        "replaced"
    )


def test_what_a_member_changes_is_on_the_next_page(ann: User) -> None:
    client = signed_in(ann)
    at_once([lambda: actions.change_profile(user=ann, display_name="Ann of Tea", bio="")])
    assert "Ann of Tea" in client.get("/settings/").content.decode()


def test_a_rotated_secret_key_keeps_members_in_and_the_new_session_gets_a_hint(
    ann: User, settings: LazySettings
) -> None:
    client = signed_in(ann)
    before = key_of(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as they are"
    assert viewer_of(client) == "ann"
    assert key_of(client) != before
    viewer_of(client)
    assert trips(client, "ann") == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert viewer_of(client) == "ann"


@pytest.fixture
def down(settings: LazySettings) -> None:
    settings.CACHES = settings.CACHES | {
        "lookaside": {
            "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
            "LOCATION": "unix:/nowhere/at/all.sock",
        }
    }


@pytest.mark.usefixtures("down")
def test_without_memcached_both_come_from_postgresql(ann: User, bob: User, hints: dict[str, int]) -> None:
    client = signed_in(ann)
    for owner in (ann.pk, bob.pk):
        hints[key_of(client)] = owner
        assert viewer_of(client) == "ann"
    client.post("/accounts/logout/")
    assert viewer_of(client) is None


def test_a_session_that_was_read_before_takes_a_trip_for_the_user(ann: User, rf: Any) -> None:
    client = signed_in(ann)
    request = rf.get("/")
    request.session = SessionStore(key_of(client))
    request.session.get("anything")
    with lookaside.stats.collected() as counted:
        assert middleware.user_of(request) == ann
    assert (counted.round_trips, counted.hits) == (1, 2)  # and the policy


def test_two_processes_never_show_another_member(ann: User, bob: User, memcached: str) -> None:
    with served(memcached=memcached, workers=2, patient=True) as port:
        visitors = {user.username: Member(port, user) for user in (ann, bob)}
        for _ in range(10):
            for name, visitor in visitors.items():
                assert f'data-viewer="{name}"' in visitor.get("/settings/").text
        deactivate(Client(), ann)
        for _ in range(10):
            assert visitors["ann"].get("/settings/").status == 302
            assert 'data-viewer="bob"' in visitors["bob"].get("/settings/").text
