"""A session ends by time: without visits, and in all. Only the clock is moved."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.accounts.tests.session_steps import (
    AGE,
    COOKIE,
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
from tests.support.people import PASSWORD, link_to, who_is_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture(params=["memcached", "without memcached"])
def caches(request: pytest.FixtureRequest, settings: LazySettings) -> None:
    if request.param == "without memcached":
        lookaside = {
            "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
            "LOCATION": "unix:/nowhere/at/all.sock",
        }
        settings.CACHES = settings.CACHES | {"lookaside": lookaside}


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
        calendar.pass_by(9 * DAY)
        answer = anns.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert answer.status_code == 302
        assert who_is_in(anns) == "ann"
    age = timedelta(seconds=int(answer.cookies[COOKIE]["max-age"]))
    assert timedelta(days=2, hours=23) < age <= 3 * DAY, "the cookie ends with it"
    calendar.pass_by(3 * DAY - MINUTE)
    assert who_is_in(anns) == "ann"
    calendar.pass_by(MINUTE)
    assert who_is_in(anns) is None


@pytest.mark.asvs("7.3.1", "7.3.2")
@pytest.mark.parametrize("visits", [0, 2], ids=["by inactivity", "in all"])
def test_a_cached_session_ends_on_time(visits: int, anns: Client, calendar: Calendar) -> None:
    key = key_of(anns)
    for _ in range(visits):
        calendar.pass_by(10 * DAY)
        anns.get("/about/")
    calendar.pass_by((10 * DAY if visits else IDLE) - MINUTE)
    assert is_alive(key)
    with CaptureQueriesContext(connection) as asked:
        assert is_alive(key)
        calendar.pass_by(2 * MINUTE)
        assert not is_alive(key)
    assert len(asked) == 0


def test_the_days_are_the_operators_choice(anns: Client, calendar: Calendar, settings: LazySettings) -> None:
    settings.SESSION_IDLE_DAYS = 3
    invalidate_all(anns)
    calendar.pass_by(3 * DAY + MINUTE)
    assert who_is_in(anns) is None


@pytest.mark.asvs("7.3.2")
def test_nothing_but_a_sign_in_gives_a_session_more_time(anns: Client, calendar: Calendar) -> None:
    calendar.pass_by(10 * DAY)
    store = SessionStore(key_of(anns))
    for value in (int(AGE.total_seconds()), AGE, timezone.now() + AGE, None):
        store.set_expiry(value)
        assert store.get_expiry_age() <= (20 * DAY).total_seconds()
    store.set_expiry(60)
    assert store.get_expiry_age() <= 60
    anns.post("/accounts/logout/")
    anns.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert anns.session.get_expiry_age() > (29 * DAY).total_seconds()


def test_who_signs_in_again_in_a_session_has_all_its_time(
    anns: Client, ann: User, calendar: Calendar
) -> None:
    calendar.pass_by(10 * DAY)
    anns.force_login(ann)
    assert anns.session.get_expiry_age() > (29 * DAY).total_seconds()


def test_seconds_of_a_members_session_count_from_when_they_were_set(anns: Client, calendar: Calendar) -> None:
    store = SessionStore(key_of(anns))
    store.set_expiry(600)
    store.save()
    calendar.pass_by(5 * MINUTE)
    anns.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert who_is_in(anns) == "ann"
    calendar.pass_by(6 * MINUTE)
    assert who_is_in(anns) is None


def test_seconds_of_a_visitors_session_count_from_each_write(db: None, calendar: Calendar) -> None:
    store = SessionStore()
    store.set_expiry(600)
    store.save()
    for _ in range(2):
        calendar.pass_by(9 * MINUTE)
        again = SessionStore(store.session_key)
        again["typed"] = "again"
        again.save()
    calendar.pass_by(9 * MINUTE)
    assert is_alive(str(store.session_key))
    calendar.pass_by(2 * MINUTE)
    assert not is_alive(str(store.session_key))


def test_a_passkey_that_was_cancelled_does_not_cut_a_new_password_short(
    ann: User, calendar: Calendar
) -> None:
    """Asking for a passkey gives a visitor's session ten minutes; each step after it gives them again."""
    client, new = Client(), f"new {PASSWORD}"
    client.post("/accounts/password/reset/", {"email": ann.email})
    begun = client.get("/accounts/2fa/passkeys/sign-in/", headers={"accept": "application/json"})
    assert begun.status_code == 200
    calendar.pass_by(9 * MINUTE)
    form = client.get(link_to(ann.email))["Location"]
    calendar.pass_by(9 * MINUTE)
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    client.post("/accounts/login/", {"login": "ann", "password": new})
    assert who_is_in(client) == "ann"
    assert client.session.get_expiry_age() > (29 * DAY).total_seconds()


def test_a_moment_is_kept_in_the_session_as_django_keeps_it(anns: Client) -> None:
    end = SessionStore(key_of(anns)).load()["_session_expiry"]
    assert abs(datetime.fromisoformat(end) - timezone.now() - AGE) < MINUTE


# ── Sessions of the release before this one ──────────────────────────────────────────────────────


@pytest.fixture
def older(anns: Client) -> Callable[..., Client]:
    """Ann's session as that release wrote it ``written`` ago."""

    def older(*, written: timedelta, since: timedelta, seen: timedelta) -> Client:
        now, store = timezone.now(), SessionStore()
        row = Session.objects.get(pk=key_of(anns))
        data = store.decode(row.session_data) | {"_session_expiry": site.SESSION_COOKIE_AGE}
        row.session_data, row.expire_date = store.encode(data), now - written + AGE
        row.save()
        UserSession.objects.filter(pk=listed(anns).pk).update(created_at=now - since, last_seen_at=now - seen)
        invalidate_all(anns)
        return anns

    return older


@pytest.mark.asvs("7.3.1")
def test_an_older_session_ends_by_inactivity(older: Callable[..., Client]) -> None:
    assert who_is_in(older(written=13 * DAY, since=13 * DAY, seen=13 * DAY)) == "ann"
    assert who_is_in(older(written=5 * DAY, since=20 * DAY, seen=IDLE + MINUTE)) is None


@pytest.mark.asvs("7.3.2")
@pytest.mark.parametrize("writes", [False, True])
def test_an_older_session_ends_thirty_days_after_its_sign_in(
    writes: bool, older: Callable[..., Client], calendar: Calendar
) -> None:
    client = older(written=timedelta(), since=20 * DAY, seen=timedelta())
    for _ in range(2):
        calendar.pass_by(4 * DAY)
        if writes:
            client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert who_is_in(client) == "ann"
    calendar.pass_by(2 * DAY - MINUTE)
    assert who_is_in(client) == "ann"
    calendar.pass_by(2 * MINUTE)
    assert who_is_in(client) is None


@pytest.mark.asvs("7.3.2")
def test_an_older_session_that_has_ended_does_not_come_back_when_its_line_is_gone(
    older: Callable[..., Client],
) -> None:
    """That release kept its row for 30 days after each write; allauth takes the line at the next sign-in."""
    phone = older(written=5 * DAY, since=40 * DAY, seen=5 * DAY)
    assert not is_alive(key_of(phone))
    laptop = signed_in("ann")
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [key_of(laptop)]
    assert Session.objects.get(pk=key_of(phone)).expire_date > timezone.now() + 24 * DAY
    invalidate_all(phone)
    assert who_is_in(phone) is None


def test_the_release_before_this_one_reads_and_writes_what_this_one_wrote(anns: Client) -> None:
    """It knows a moment as an end: Django's own."""
    from django.contrib.sessions.backends.db import SessionStore as Former

    key = key_of(anns)
    former = Former(key)
    former._session_cache = SessionStore(key).load()  # type: ignore[attr-defined]
    former["written"] = "beside"
    end = former.get_expiry_date()
    assert timezone.now() + AGE - MINUTE < end <= timezone.now() + AGE
    assert 0 < AGE.total_seconds() - former.get_expiry_age() < 60
