"""Cached users and sessions: never stale after a change, and without credentials."""

import time

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts import actions
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.invalidation import invalidate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    assert is_member(client)  # fills the cache
    return client


def is_member(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def cached(user: User) -> User:
    """The user object of a request, from the cache."""
    CachedUserBackend().get_user(user.pk)
    with CaptureQueriesContext(connection) as captured:
        found = CachedUserBackend().get_user(user.pk)
    assert found is not None
    assert not captured.captured_queries
    return found


def test_authenticating_a_request_costs_one_round_trip_and_no_query(member: Client) -> None:
    with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
        member.get("/about/")
    assert [query["sql"] for query in captured] == []
    assert (counts.round_trips, counts.hits, counts.misses) == (1, 3, 0)  # session, user, policy


def test_memcached_holds_no_password_hash(ann: User) -> None:
    values = ann.for_cache()
    assert "password" not in values
    assert ann.password not in str(values)


@pytest.mark.asvs("7.4.2")
def test_a_deactivated_user_is_signed_out_at_once(member: Client, ann: User) -> None:
    ann.is_active = False
    ann.save()
    assert not is_member(member)


def test_a_new_password_ends_other_sessions_at_once_and_keeps_this_one(ann: User, member: Client) -> None:
    elsewhere = Client()
    elsewhere.force_login(ann)
    assert is_member(elsewhere)
    member.post("/accounts/reauthenticate/", {"password": "a long password"})
    changed = {
        "oldpassword": "a long password",
        "password1": "another long one",
        "password2": "another long one",
    }
    assert member.post("/accounts/password/change/", changed).status_code == 302
    assert User.objects.get().check_password("another long one")
    assert is_member(member)
    assert not is_member(elsewhere)


def test_the_next_page_shows_what_an_action_updated(member: Client, ann: User) -> None:
    actions.change_profile(user=ann, display_name="Ann of Tea", bio="")
    assert "Ann of Tea" in member.get("/about/").content.decode() + member.get("/settings/").content.decode()
    assert cached(ann).name == "Ann of Tea"


def test_a_cached_user_saves_only_changed_fields(ann: User) -> None:
    user = cached(ann)
    User.objects.filter(pk=ann.pk).update(is_active=False, bio="from elsewhere")
    user.display_name = "Ann"
    user.save()
    ann.refresh_from_db()
    assert (ann.display_name, ann.is_active, ann.bio) == ("Ann", False, "from elsewhere")
    assert ann.check_password("a long password")


def test_a_cached_user_can_check_and_change_the_password(ann: User) -> None:
    user = cached(ann)
    assert user.check_password("a long password")
    before = user.get_session_auth_hash()
    assert before == ann.get_session_auth_hash()
    user.set_password("another long one")
    user.save()
    assert user.get_session_auth_hash() != before
    assert User.objects.get().check_password("another long one")
    assert cached(ann).get_session_auth_hash() == user.get_session_auth_hash()


def test_deleting_a_user_invalidates_the_cached_user(ann: User) -> None:
    cached(ann)
    pk = ann.pk
    ann.delete()
    assert CachedUserBackend().get_user(pk) is None


def test_a_savepoint_rollback_drops_only_its_own_invalidations(ann: User) -> None:
    bob = User.objects.create_user("bob", "bob@example.org")
    cached(bob)
    with transaction.atomic():
        User.objects.filter(pk=bob.pk).update(bio="new")
        invalidate(cache=[user_key(bob.pk)])
        inner = connection.savepoint() or ""
        invalidate(cache=[user_key(ann.pk), user_key(bob.pk)])
        connection.savepoint_rollback(inner)
    assert cached(bob).bio == "new"


def test_the_invalidation_hook_runs_before_earlier_hooks(ann: User) -> None:
    cached(ann)
    read: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: read.append(cached(ann).bio))
        actions.change_profile(user=ann, display_name="", bio="new")
    assert read == ["new"]


@pytest.mark.asvs("7.4.1")
def test_signing_out_invalidates_every_copy_of_the_cookie(member: Client) -> None:
    copy = Client()
    copy.cookies.update(member.cookies)
    assert is_member(copy)
    member.post("/accounts/logout/")
    assert not is_member(copy)


def test_a_load_that_overlaps_a_sign_out_does_not_restore_the_session(
    member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = member.session.session_key or ""
    lookaside.cache().invalidate([session_key(key)])
    read = SessionStore._row

    def overtaken(store: SessionStore) -> dict[str, str] | None:
        row = read(store)
        SessionStore(key).delete()  # between reading the row and filling the cache
        return row

    monkeypatch.setattr(SessionStore, "_row", overtaken)
    assert SessionStore(key).load()
    monkeypatch.setattr(SessionStore, "_row", read)
    assert SessionStore(key).load() == {}


def test_a_cached_session_expires(member: Client) -> None:
    store = SessionStore(member.session.session_key)
    store.set_expiry(1)
    store.save()
    assert SessionStore(store.session_key).load()
    time.sleep(1.1)
    assert SessionStore(store.session_key).load() == {}


def test_a_page_view_writes_nothing(member: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        for address in ("/", "/everyone/", "/ann/", "/settings/", "/kwip/"):
            member.get(address)
    assert not [q["sql"] for q in captured if q["sql"].split(None, 1)[0] in ("INSERT", "UPDATE", "DELETE")]


@pytest.mark.asvs("7.2.1")
def test_an_unknown_session_key_is_not_signed_in(client: Client, ann: User) -> None:
    client.cookies["sessionid"] = "x" * 32
    assert not is_member(client)
    client.force_login(ann)
    assert is_member(client)
