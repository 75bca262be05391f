"""A session ends by time: without visits, and in all. Only the clock is moved."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps import lookaside
from apps.accounts.keys import session_key
from apps.accounts.models import User
from apps.accounts.sessions import SEEN_EVERY, SessionStore
from apps.invalidation import invalidate
from apps.securitylog import Event
from apps.securitylog.models import Entry
from apps.statements import Statement
from kwippy import tasks
from tests.support.concurrency import at_once, uncommitted
from tests.support.people import PASSWORD, member, who_is_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

COOKIE = site.SESSION_COOKIE_NAME
AGE = timedelta(seconds=site.SESSION_COOKIE_AGE)
IDLE = timedelta(days=14)
MINUTE = timedelta(minutes=1)


class Calendar:
    """The clock of the site: it runs, and can be moved on."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def pass_by(self, passed: timedelta) -> None:
        self.passed += passed


@pytest.fixture(autouse=True)
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    moved = Calendar()
    now, seconds = timezone.now, time.time
    monkeypatch.setattr(timezone, "now", lambda: now() + moved.passed)
    monkeypatch.setattr(time, "time", lambda: seconds() + moved.passed.total_seconds())
    for name in ("created_at", "last_seen_at"):
        field = UserSession._meta.get_field(name)
        monkeypatch.setattr(field, "_get_default", lambda: timezone.now(), raising=False)
    return moved


@pytest.fixture
def anns(ann: User) -> Client:
    return signed_in("ann")


@pytest.fixture(params=["memcached", "without memcached"])
def caches(request: pytest.FixtureRequest, settings: LazySettings) -> None:
    if request.param == "without memcached":
        lookaside = {
            "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
            "LOCATION": "unix:/nowhere/at/all.sock",
        }
        settings.CACHES = settings.CACHES | {"lookaside": lookaside}


def signed_in(name: str, **options: Any) -> Client:
    client = Client(**options)
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert who_is_in(client) == name
    return client


def key_of(client: Client) -> str:
    return client.cookies[COOKIE].value


def listed(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=key_of(client))


def invalidate_all(*clients: Client) -> None:
    invalidate(cache=[session_key(key_of(client)) for client in clients])


def is_alive(key: str) -> bool:
    """Whether a session can be read. That is no visit."""
    return bool(SessionStore(key).load())


# ── The two ends ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("7.3.1")
@pytest.mark.usefixtures("caches")
def test_a_session_ends_after_two_weeks_without_a_visit(anns: Client, calendar: Calendar) -> None:
    calendar.pass_by(IDLE - MINUTE)
    assert who_is_in(anns) == "ann"
    calendar.pass_by(IDLE - MINUTE)
    assert who_is_in(anns) == "ann", "the visit gave it two weeks more"
    other = signed_in("ann")
    calendar.pass_by(IDLE + MINUTE)
    answer = other.get("/settings/")
    assert answer["Location"] == "/accounts/login/?next=/settings/"
    assert answer.cookies[COOKIE].value == "", "the browser forgets it, too"


@pytest.mark.asvs("7.3.2")
@pytest.mark.usefixtures("caches")
def test_a_session_ends_thirty_days_after_the_sign_in_whatever_is_written(
    anns: Client, calendar: Calendar
) -> None:
    for _ in range(3):
        calendar.pass_by(timedelta(days=9))
        answer = anns.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert answer.status_code == 302
        assert who_is_in(anns) == "ann"
    age = timedelta(seconds=int(answer.cookies[COOKIE]["max-age"]))
    assert timedelta(days=2, hours=23) < age <= timedelta(days=3), "the cookie ends with it"
    calendar.pass_by(timedelta(days=3) - MINUTE)
    assert who_is_in(anns) == "ann"
    calendar.pass_by(MINUTE)
    assert who_is_in(anns) is None


@pytest.mark.asvs("7.3.1", "7.3.2")
@pytest.mark.parametrize("visits", [0, 2], ids=["by inactivity", "in all"])
def test_a_cached_session_ends_on_time(visits: int, anns: Client, calendar: Calendar) -> None:
    key = key_of(anns)
    for _ in range(visits):
        calendar.pass_by(timedelta(days=10))
        anns.get("/about/")
    calendar.pass_by((timedelta(days=10) if visits else IDLE) - MINUTE)
    assert is_alive(key)
    with CaptureQueriesContext(connection) as asked:
        assert is_alive(key)
        calendar.pass_by(2 * MINUTE)
        assert not is_alive(key)
    assert len(asked) == 0


def test_the_days_are_the_operators_choice(anns: Client, calendar: Calendar, settings: LazySettings) -> None:
    settings.SESSION_IDLE_DAYS = 3
    invalidate_all(anns)
    calendar.pass_by(timedelta(days=3) + MINUTE)
    assert who_is_in(anns) is None


@pytest.mark.asvs("7.3.2")
def test_nothing_but_a_sign_in_gives_a_session_more_time(anns: Client, calendar: Calendar) -> None:
    calendar.pass_by(timedelta(days=10))
    store = SessionStore(key_of(anns))
    for value in (int(AGE.total_seconds()), AGE, timezone.now() + AGE, None):
        store.set_expiry(value)
        assert store.get_expiry_age() <= timedelta(days=20).total_seconds()
    store.set_expiry(60)
    assert store.get_expiry_age() <= 60
    anns.post("/accounts/logout/")
    anns.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert anns.session.get_expiry_age() > timedelta(days=29).total_seconds()


def test_seconds_of_a_visitors_session_count_from_when_they_were_set(db: None, calendar: Calendar) -> None:
    store = SessionStore()
    store.set_expiry(600)
    store.save()
    calendar.pass_by(5 * MINUTE)
    store["typed"] = "again"
    store.save()
    calendar.pass_by(6 * MINUTE)
    assert not is_alive(str(store.session_key))


# ── Visits ───────────────────────────────────────────────────────────────────────────────────────


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
    calendar.pass_by(timedelta(days=13))
    before = listed(anns).last_seen_at
    assert anns.get("/people/complete/?q=tea")["Content-Type"] == "application/json"
    assert listed(anns).last_seen_at == before
    calendar.pass_by(timedelta(days=1))
    assert who_is_in(anns) is None


@pytest.mark.parametrize("look", ["the list of sessions", "a sign-in elsewhere"])
def test_a_session_is_not_visited_by_who_looks_at_the_list(
    look: str, anns: Client, calendar: Calendar
) -> None:
    phone = signed_in("ann")
    calendar.pass_by(timedelta(days=13))
    before = listed(phone).last_seen_at
    if look == "the list of sessions":
        assert anns.get("/accounts/sessions/").content.decode().count("sign out there") == 1
    else:
        signed_in("ann")
    assert listed(phone).last_seen_at == before
    calendar.pass_by(timedelta(days=1))
    assert who_is_in(phone) is None


def test_a_session_that_no_list_has_ends_as_well(ann: User, calendar: Calendar) -> None:
    """As of a line that an operator deleted in the admin."""
    client, idle = signed_in("ann"), signed_in("ann")
    UserSession.objects.all().delete()
    invalidate_all(client, idle)
    for _ in range(2):
        calendar.pass_by(IDLE - MINUTE)
        assert who_is_in(client) == "ann"
    assert who_is_in(idle) is None
    calendar.pass_by(timedelta(days=2) + 2 * MINUTE)
    assert who_is_in(client) is None


def test_the_last_days_of_a_session_that_no_list_has_write_nothing(ann: User, calendar: Calendar) -> None:
    client = signed_in("ann")
    listed(client).delete()
    invalidate_all(client)
    for _ in range(2):
        calendar.pass_by(timedelta(days=10))
        client.get("/about/")
    calendar.pass_by(timedelta(days=2))
    with CaptureQueriesContext(connection) as asked:
        client.get("/about/")
        client.get("/about/")
    assert not any("UPDATE" in query["sql"] for query in asked)


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


# ── Sessions of the release before this one ──────────────────────────────────────────────────────


@pytest.fixture
def older(anns: Client) -> Callable[..., Client]:
    """Ann's session as that release wrote it ``written`` ago."""

    def older(*, written: timedelta, since: timedelta, seen: timedelta | None) -> Client:
        now, store = timezone.now(), SessionStore()
        row = Session.objects.get(pk=key_of(anns))
        data = store.decode(row.session_data) | {"_session_expiry": site.SESSION_COOKIE_AGE}
        row.session_data, row.expire_date = store.encode(data), now - written + AGE
        row.save()
        if seen is None:
            listed(anns).delete()
        else:
            UserSession.objects.filter(pk=listed(anns).pk).update(
                created_at=now - since, last_seen_at=now - seen
            )
        invalidate_all(anns)
        return anns

    return older


@pytest.mark.asvs("7.3.1")
def test_an_older_session_ends_by_inactivity(older: Callable[..., Client]) -> None:
    days = timedelta(days=1)
    assert who_is_in(older(written=13 * days, since=13 * days, seen=13 * days)) == "ann"
    assert who_is_in(older(written=5 * days, since=20 * days, seen=IDLE + MINUTE)) is None


@pytest.mark.asvs("7.3.2")
@pytest.mark.parametrize("writes", [False, True])
def test_an_older_session_ends_thirty_days_after_its_sign_in(
    writes: bool, older: Callable[..., Client], calendar: Calendar
) -> None:
    days = timedelta(days=1)
    client = older(written=timedelta(), since=20 * days, seen=timedelta())
    for _ in range(2):
        calendar.pass_by(4 * days)
        if writes:
            client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert who_is_in(client) == "ann"
    calendar.pass_by(2 * days - MINUTE)
    assert who_is_in(client) == "ann"
    calendar.pass_by(2 * MINUTE)
    assert who_is_in(client) is None


def test_an_older_session_without_a_line_ends_when_that_release_meant_it_to(
    older: Callable[..., Client], calendar: Calendar
) -> None:
    days = timedelta(days=1)
    client = older(written=20 * days, since=20 * days, seen=None)
    calendar.pass_by(9 * days)
    assert who_is_in(client) == "ann"
    calendar.pass_by(days + MINUTE)
    assert who_is_in(client) is None


def test_the_release_before_this_one_reads_and_writes_what_this_one_wrote(anns: Client) -> None:
    """It knows a moment as an end: Django's own."""
    from django.contrib.sessions.backends.db import SessionStore as Former

    key = key_of(anns)
    former = Former(key)
    former._session_cache = SessionStore(key).load()
    former["written"] = "beside"
    end = former.get_expiry_date()
    assert timezone.now() + AGE - MINUTE < end <= timezone.now() + AGE
    assert 0 < AGE.total_seconds() - former.get_expiry_age() < 60


# ── Keys, the list of sessions, clean-up ─────────────────────────────────────────────────────────


def test_a_new_password_leaves_the_session_its_line_and_its_end(anns: Client, calendar: Calendar) -> None:
    before = listed(anns)
    calendar.pass_by(timedelta(days=10))
    anns.post("/accounts/reauthenticate/", {"password": PASSWORD})
    changed = {"oldpassword": PASSWORD, "password1": f"new {PASSWORD}", "password2": f"new {PASSWORD}"}
    assert anns.post("/accounts/password/change/", changed).status_code == 302
    after = listed(anns)
    assert (after.pk, after.created_at) == (before.pk, before.created_at)
    assert after.session_key != before.session_key
    assert UserSession.objects.count() == 1
    assert anns.session.get_expiry_age() <= timedelta(days=20).total_seconds()


def test_a_rotated_secret_key_leaves_the_session_in_the_list(anns: Client, settings: LazySettings) -> None:
    """What is not in the list is not ended by "sign out everywhere"."""
    before = listed(anns)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as they are"
    assert who_is_in(anns) == "ann"
    assert key_of(anns) != before.session_key
    assert listed(anns).pk == before.pk


def test_what_has_ended_is_deleted_daily_and_is_in_the_log(ann: User, calendar: Calendar) -> None:
    ended = signed_in("ann")
    cached_until_the_end = key_of(ended)
    calendar.pass_by(timedelta(days=7))
    stays = signed_in("ann")
    visitor = SessionStore()
    visitor["opened"] = "an invitation"
    visitor.save()
    alone = UserSession.objects.create(user=ann, ip="192.0.2.1", session_key="x" * 32, user_agent="")
    calendar.pass_by(timedelta(days=7))
    tasks.clear_sessions.call()
    keys = {key_of(stays), visitor.session_key}
    assert set(Session.objects.values_list("pk", flat=True)) == keys
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [key_of(stays)]
    assert not UserSession.objects.filter(pk=alone.pk).exists()
    [entry] = Entry.objects.filter(event=Event.SESSION_ENDED)
    assert (entry.user_id, entry.details) == (ann.pk, {"way": "time"})
    assert not is_alive(cached_until_the_end)
    assert "a device was signed out" in stays.get("/settings/security/").content.decode()
    tasks.clear_sessions.call()
    assert Entry.objects.filter(event=Event.SESSION_ENDED).count() == 1


def test_more_than_a_batch_is_deleted(ann: User, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.accounts.sessions._SWEPT_AT_ONCE", 2)
    for _ in range(5):
        signed_in("ann")
    calendar.pass_by(IDLE + MINUTE)
    tasks.clear_sessions.call()
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)


def test_the_list_says_when_devices_are_signed_out(anns: Client, settings: LazySettings) -> None:
    page = " ".join(anns.get("/accounts/sessions/").content.decode().split())
    assert "a device that you don't use for 14 days is signed out by itself" in page.replace("&#x27;", "'")
    assert "30 days after you signed in, each asks you to do it again" in page


# ── What was typed ───────────────────────────────────────────────────────────────────────────────


WORDS = {
    "/kwip/": {"content_note": "of <b>tea</b>", "text": "a long story", "alt-cup": "a kettle"},
    "/settings/": {"display_name": "Ann of Tea", "bio": "all about me", "pronouns": "she"},
    "/invitations/": {"note": "do come, dear"},
    "/bob/report/": {"words": "what they did"},
    "/messages/bob/": {"text": "a long letter"},
    "/admin/sitepages/sitepage/rules/change/": {"text": "be kind"},
    "/moderation/people/bob/note/": {"words": "watch them"},
}


@pytest.mark.asvs("7.3.1")
@pytest.mark.parametrize("path", WORDS)
def test_a_form_whose_session_has_ended_gives_its_words_back(path: str, calendar: Calendar) -> None:
    member("opera", is_staff=True, is_superuser=True)
    member("bob")
    browser = Client(enforce_csrf_checks=True)
    form = {
        "login": "opera",
        "password": PASSWORD,
        "csrfmiddlewaretoken": token_on(browser, "/accounts/login/"),
    }
    browser.post("/accounts/login/", form)
    token = token_on(browser, "/settings/")
    calendar.pass_by(IDLE + MINUTE)
    page = browser.post(path, WORDS[path] | {"csrfmiddlewaretoken": token})
    assert page.status_code == 403
    shown = page.content.decode()
    assert "oh, you were signed out" in shown
    kept = shown.partition("<textarea")[2].partition("</textarea>")[0]
    for words in WORDS[path].values():
        assert words.replace("<", "&lt;").replace(">", "&gt;") in kept


def token_on(browser: Client, path: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).content.decode())
    assert found
    return found[1]


def test_a_visitor_without_words_learns_nothing_about_pages_of_operators(client: Client) -> None:
    assert client.post("/moderation/people/bob/note/", {}).status_code == 404
    assert client.post("/admin/", {})["Location"].startswith("/admin/login/")


def test_a_moment_is_kept_in_the_session_as_django_keeps_it(anns: Client) -> None:
    end = SessionStore(key_of(anns)).load()["_session_expiry"]
    assert abs(datetime.fromisoformat(end) - timezone.now() - AGE) < MINUTE
