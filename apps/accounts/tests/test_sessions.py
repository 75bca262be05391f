"""The list of a member's sessions: browser names, when each was seen, and ending a session."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.keys import session_key
from apps.accounts.models import User
from apps.accounts.sessions import SEEN_EVERY
from apps.invalidation import invalidate
from apps.securitylog.clients import device, network
from tests.support.people import PASSWORD, member, who_is_in

MOZILLA = "Mozilla/5.0 "
KIT = "AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "called"),
    [
        (MOZILLA + "(X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "firefox on linux"),
        (MOZILLA + f"(X11; Linux x86_64) {KIT}HeadlessChrome/156.0 Safari/537.36", "chromium on linux"),
        (MOZILLA + f"(Windows NT 10.0; Win64; x64) {KIT}Chrome/140.0 Safari/537.36", "chrome on windows"),
        (MOZILLA + f"(Windows NT 10.0) {KIT}Chrome/140.0 Safari/537.36 Edg/140.0", "edge on windows"),
        (MOZILLA + f"(X11; CrOS x86_64) {KIT}Chrome/140.0 Safari/537.36", "chrome on chromeos"),
        (MOZILLA + f"(Linux; Android 15; Pixel) {KIT}Chrome/140 Mobile Safari/537.36", "chrome on android"),
        (MOZILLA + f"(Linux; Android 14) {KIT}SamsungBrowser/27.0 Chrome/125.0 Mobile Safari/537.36",
         "samsung internet on android"),
        (MOZILLA + "(iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
         " Version/18.1 Mobile/15E148 Safari/604.1", "safari on iphone"),
        (MOZILLA + "(iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/140 Safari/604.1",
         "chrome on iphone"),
        (MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
         " Version/18.1 Safari/605.1.15", "safari on mac"),
        ("curl/8.5.0", "curl"),
        ("<script>", "an unknown browser"),
        ("", "an unknown browser"),
        ("Version/" * 100_000 + "Firefox/1", "an unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_has_its_common_name(user_agent: str, called: str) -> None:
    assert device(user_agent) == called


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.77", "192.0.2.…"),
        ("::ffff:192.0.2.77", "192.0.2.…"),
        ("2001:db8:7:1::9", "2001:db8:7:…"),
        ("::1", "::1"),
        ("2001:db8::9", "2001:db8:…"),
    ],
)
def test_of_an_address_its_network_is_shown(address: str, shown: str) -> None:
    assert network(address) == shown


def signed_in(user: User, user_agent: str) -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    return client


def session_of(client: Client) -> int:
    return UserSession.objects.get(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value).pk


@pytest.mark.asvs("7.5.2")
@pytest.mark.django_db
def test_one_session_is_ended_and_the_others_stay(ann: User) -> None:
    here, phone, other = (
        signed_in(ann, f"{name}/1 (X11; Linux)") for name in ("Firefox", "Chrome", "Chromium")
    )
    page = here.get("/accounts/sessions/").content.decode()
    assert [name in page for name in ("firefox on linux", "chrome on linux", "chromium on linux")] == [
        True
    ] * 3
    assert page.count("sign out there") == 2
    here.post(f"/accounts/sessions/{session_of(phone)}/end/")
    assert [who_is_in(client) for client in (here, phone, other)] == ["ann", None, "ann"]


@pytest.mark.asvs("8.2.2")
@pytest.mark.django_db
def test_a_member_cannot_end_another_members_session(ann: User) -> None:
    here, mallory = signed_in(ann, ""), signed_in(member("mallory"), "")
    mallory.post(f"/accounts/sessions/{session_of(here)}/end/")
    assert who_is_in(here) == "ann"
    assert mallory.post("/accounts/sessions/999999/end/").status_code == 302
    assert Client().post(f"/accounts/sessions/{session_of(here)}/end/").status_code == 403
    assert here.get(f"/accounts/sessions/{session_of(here)}/end/").status_code == 405


@pytest.mark.django_db
def test_the_list_begins_with_this_session_which_has_no_button(ann: User) -> None:
    here = signed_in(ann, "<b>Firefox/1</b> (X11; Linux)")
    signed_in(ann, "Chrome/1 (Windows)")
    items = here.get("/accounts/sessions/").content.decode().split("<li>")[-2:]
    assert ["this one" in item for item in items] == [True, False]
    assert ["<form" in item.split("</li>")[0] for item in items] == [False, True]
    assert "firefox on linux" in items[0]
    assert "<b>Firefox" not in items[0]
    # Its own address asks first.
    answer = here.post(f"/accounts/sessions/{session_of(here)}/end/")
    assert answer["Location"] == "/accounts/logout/"
    assert who_is_in(here) == "ann"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("memcached")
def test_a_session_is_noted_as_seen_once_an_hour(ann: User) -> None:
    here = signed_in(ann, "Firefox/1 (X11; Linux)")
    listed = UserSession.objects.filter(pk=session_of(here))
    for age, writes in ((SEEN_EVERY - timedelta(minutes=5), 0), (SEEN_EVERY, 1)):
        before = timezone.now() - age
        listed.update(last_seen_at=before)
        invalidate(cache=[session_key(listed.get().session_key)])
        with CaptureQueriesContext(connection) as asked:
            for _request in range(3):
                here.get("/about/")
        assert sum("UPDATE" in query["sql"] for query in asked) == writes
        assert (listed.get().last_seen_at > before) == bool(writes)
