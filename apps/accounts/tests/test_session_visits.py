"""What is a visit, and what noting it costs. Only the clock is moved."""

from typing import Any

import pytest
from allauth.account.signals import user_logged_in
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps import lookaside
from apps.accounts import watched
from apps.accounts.models import User
from apps.accounts.sessions import SEEN_EVERY, SessionStore
from apps.accounts.tests.session_steps import (
    DAY,
    IDLE,
    MINUTE,
    Calendar,
    invalidate_all,
    is_alive,
    key_of,
    listed,
    signed_in,
)
from apps.cachewatch import watch
from apps.statements import Statement
from tests.support.concurrency import at_once, uncommitted
from tests.support.people import who_is_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


def test_pages_write_nothing_and_a_visit_is_one_statement_an_hour(anns: Client, calendar: Calendar) -> None:
    anns.get("/about/")
    for passed, writes in ((SEEN_EVERY - MINUTE, 0), (2 * MINUTE, 1), (SEEN_EVERY - MINUTE, 0)):
        calendar.pass_by(passed)
        with CaptureQueriesContext(connection) as asked:
            for _request in range(3):
                anns.get("/about/")
        assert sum("UPDATE" in query["sql"] for query in asked) == writes
    with CaptureQueriesContext(connection) as asked, lookaside.stats.collected() as counted:
        anns.get("/about/")
    assert (len(asked), counted.round_trips) == (0, 1)


@pytest.fixture
def rows_written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each note of a visit, how many sessions it wrote."""
    written: list[int] = []
    execute = Statement.execute

    def counted(statement: Statement, cursor: CursorWrapper, parameters: dict[str, Any]) -> None:
        execute(statement, cursor, parameters)
        if "every" in parameters:
            written.append(cursor.rowcount)

    monkeypatch.setattr(Statement, "execute", counted)
    return written


def test_requests_at_once_note_one_visit(anns: Client, calendar: Calendar, rows_written: list[int]) -> None:
    calendar.pass_by(2 * SEEN_EVERY)
    stores = [SessionStore(key_of(anns)) for _ in range(4)]
    for store in stores:
        store.load()
        assert store.is_visit_due
    at_once([store.note_visit for store in stores])
    assert sorted(rows_written) == [0, 0, 0, 1]
    assert listed(anns).last_seen_at > timezone.now() - MINUTE
    assert Session.objects.get(pk=key_of(anns)).expire_date > timezone.now() + IDLE - MINUTE


def test_what_an_open_page_asks_by_itself_is_no_visit(anns: Client, calendar: Calendar) -> None:
    calendar.pass_by(13 * DAY)
    before = listed(anns).last_seen_at
    assert anns.get("/people/complete/?q=tea")["Content-Type"] == "application/json"
    assert listed(anns).last_seen_at == before
    calendar.pass_by(DAY)
    assert who_is_in(anns) is None


@pytest.mark.parametrize("look", ["the list of sessions", "a sign-in elsewhere"])
def test_a_session_is_not_visited_by_who_looks_at_the_list(
    look: str, anns: Client, calendar: Calendar
) -> None:
    phone = signed_in("ann")
    calendar.pass_by(13 * DAY)
    before = listed(phone).last_seen_at
    if look == "the list of sessions":
        assert anns.get("/accounts/sessions/").content.decode().count("sign out there") == 1
    else:
        signed_in("ann")
    assert listed(phone).last_seen_at == before
    calendar.pass_by(DAY)
    assert who_is_in(phone) is None


@pytest.mark.asvs("7.5.2")
def test_a_session_that_no_list_has_has_ended(ann: User) -> None:
    """As after an operator of an earlier release deleted only its `UserSession` in the admin."""
    client = signed_in("ann")
    listed(client).delete()
    invalidate_all(client)
    assert who_is_in(client) is None


def test_a_sign_in_elsewhere_at_the_same_moment_leaves_the_session_in_the_list(ann: User) -> None:
    """It takes from the list what is no session of hers: this one is hers before it is in the list."""

    def elsewhere(user: User, **_: Any) -> None:
        UserSession.objects.purge_and_list(user)

    user_logged_in.connect(elsewhere)  # after allauth's own
    try:
        assert listed(signed_in("ann")).user == ann
    finally:
        user_logged_in.disconnect(elsewhere)


def test_the_watch_on_the_caches_does_not_count_a_session_that_ended_while_it_was_cached(
    anns: Client, calendar: Calendar
) -> None:
    calendar.pass_by(IDLE - MINUTE)
    assert is_alive(key_of(anns))
    calendar.pass_by(2 * MINUTE)
    assert watch.look(watched.live_sessions(), [key_of(anns)]) == watch.Look(1, {})


def test_a_page_is_there_while_its_visit_can_not_be_noted(anns: Client, calendar: Calendar) -> None:
    anns.get("/about/")
    calendar.pass_by(2 * SEEN_EVERY)
    is_alive(key_of(anns))
    with uncommitted():
        Session.objects.select_for_update().get(pk=key_of(anns))  # the note waits until its time is over
        [page] = at_once([lambda: anns.get("/about/")])
    assert page.status_code == 200
    assert 'data-viewer="ann"' in page.content.decode()


def test_a_visit_does_not_bring_back_a_session_that_was_ended_meanwhile(
    anns: Client, calendar: Calendar
) -> None:
    calendar.pass_by(2 * SEEN_EVERY)
    store = SessionStore(key_of(anns))
    store.load()
    anns.post("/accounts/logout/")
    store.note_visit()
    assert not Session.objects.filter(pk=store.session_key).exists()
