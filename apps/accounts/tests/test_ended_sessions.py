"""Keys and the list of sessions; what becomes of a session that has ended, and of what was typed."""

import re

import pytest
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.accounts.tests.session_steps import (
    DAY,
    IDLE,
    MINUTE,
    Calendar,
    is_alive,
    key_of,
    listed,
    signed_in,
)
from apps.securitylog import Event
from apps.securitylog.models import Entry
from tests.support.concurrency import at_once, uncommitted
from tests.support.people import PASSWORD, member, who_is_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


def test_a_new_password_leaves_the_session_its_line_and_its_end(anns: Client, calendar: Calendar) -> None:
    before = listed(anns)
    calendar.pass_by(10 * DAY)
    anns.post("/accounts/reauthenticate/", {"password": PASSWORD})
    changed = {"oldpassword": PASSWORD, "password1": f"new {PASSWORD}", "password2": f"new {PASSWORD}"}
    assert anns.post("/accounts/password/change/", changed).status_code == 302
    after = listed(anns)
    assert (after.pk, after.created_at) == (before.pk, before.created_at)
    assert after.session_key != before.session_key
    assert UserSession.objects.count() == 1
    assert anns.session.get_expiry_age() <= (20 * DAY).total_seconds()


def test_a_rotated_secret_key_leaves_the_session_in_the_list(anns: Client, settings: LazySettings) -> None:
    """What is not in the list is not ended by "sign out everywhere"."""
    before = listed(anns)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as they are"
    assert who_is_in(anns) == "ann"
    assert key_of(anns) != before.session_key
    assert listed(anns).pk == before.pk


@pytest.mark.parametrize("look", ["the list of sessions", "a sign-in"])
def test_after_a_rotated_secret_key_looking_at_the_sessions_ends_none(
    look: str, anns: Client, settings: LazySettings
) -> None:
    phone = signed_in("ann")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as they are"
    if look == "the list of sessions":
        assert anns.get("/accounts/sessions/").content.decode().count("sign out there") == 1
    else:
        signed_in("ann")
    assert who_is_in(phone) == "ann"


@pytest.mark.parametrize("way", ["alone", "among others"])
def test_what_an_operator_deletes_in_the_admin_is_ended(way: str, anns: Client, client: Client) -> None:
    client.force_login(member("opera", is_staff=True, is_superuser=True))
    path = "/admin/usersessions/usersession/"
    if way == "alone":
        answer = client.post(f"{path}{listed(anns).pk}/delete/", {"post": "yes"})
    else:
        form = {"action": "delete_selected", "_selected_action": [listed(anns).pk], "post": "yes"}
        answer = client.post(path, form)
    assert answer.status_code == 302
    assert not UserSession.objects.exclude(user__username="opera").exists()
    assert who_is_in(anns) is None


def test_what_has_ended_is_deleted_daily_and_is_in_the_log(ann: User, calendar: Calendar) -> None:
    ended = signed_in("ann")
    cached_until_the_end = key_of(ended)
    calendar.pass_by(7 * DAY)
    stays = signed_in("ann")
    visitor = SessionStore()
    visitor["opened"] = "an invitation"
    visitor.save()
    alone = UserSession.objects.create(user=ann, ip="192.0.2.1", session_key="x" * 32, user_agent="")
    calendar.pass_by(7 * DAY)
    SessionStore.clear_expired()
    keys = {key_of(stays), visitor.session_key}
    assert set(Session.objects.values_list("pk", flat=True)) == keys
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [key_of(stays)]
    assert not UserSession.objects.filter(pk=alone.pk).exists()
    [entry] = Entry.objects.filter(event=Event.SESSION_ENDED)
    assert (entry.user_id, entry.details) == (ann.pk, {"way": "time"})
    assert not is_alive(cached_until_the_end)
    assert "a device was signed out" in stays.get("/settings/security/").content.decode()
    SessionStore.clear_expired()
    assert Entry.objects.filter(event=Event.SESSION_ENDED).count() == 1


def test_more_than_a_batch_is_deleted(ann: User, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.accounts.sessions._SWEPT_AT_ONCE", 2)
    for _ in range(5):
        signed_in("ann")
    calendar.pass_by(IDLE + MINUTE)
    SessionStore.clear_expired()
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)


@pytest.mark.parametrize("look", ["a sign-in elsewhere", "the list of sessions"])
def test_what_has_ended_is_in_the_log_when_it_leaves_the_list(
    look: str, ann: User, calendar: Calendar
) -> None:
    """Also if that is not by the daily command. The entry has nothing of the device that looks."""
    phone = signed_in("ann")
    calendar.pass_by(IDLE - MINUTE)
    other = signed_in("ann")
    calendar.pass_by(2 * MINUTE)
    other = signed_in("ann") if look == "a sign-in elsewhere" else other
    assert other.get("/accounts/sessions/").status_code == 200
    assert not Session.objects.filter(pk=key_of(phone)).exists()
    [entry] = Entry.objects.filter(event=Event.SESSION_ENDED)
    assert (entry.user_id, entry.details, entry.network) == (ann.pk, {"way": "time"}, "")


def test_sweeps_at_once_share_the_work_and_count_each_session_once(ann: User, calendar: Calendar) -> None:
    held, *_others = (signed_in("ann") for _ in range(3))
    calendar.pass_by(IDLE + MINUTE)
    with uncommitted():
        Session.objects.select_for_update().get(pk=key_of(held))  # another sweep has it in hand
        at_once([SessionStore.clear_expired])
        for rows in (Session.objects, UserSession.objects):
            assert list(rows.values_list("session_key", flat=True)) == [key_of(held)]
    at_once([SessionStore.clear_expired] * 3)
    entries = Entry.objects.filter(event=Event.SESSION_ENDED)
    assert sum(entries.values_list("times", flat=True)) == 3
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
