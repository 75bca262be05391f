"""The list of a member's sessions: browser names, and ending a session."""

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.accounts.user_agents import device
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
    ],
)  # fmt: skip
def test_a_browser_has_its_common_name(user_agent: str, called: str) -> None:
    assert device(user_agent) == called


def signed_in(user: User, user_agent: str) -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    return client


def session_of(client: Client) -> int:
    return UserSession.objects.get(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value).pk


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


@pytest.mark.django_db
def test_a_member_cannot_end_another_members_session(ann: User) -> None:
    here, mallory = signed_in(ann, ""), signed_in(member("mallory"), "")
    mallory.post(f"/accounts/sessions/{session_of(here)}/end/")
    assert who_is_in(here) == "ann"
    assert mallory.post("/accounts/sessions/999999/end/").status_code == 302
    assert Client().post(f"/accounts/sessions/{session_of(here)}/end/").status_code == 403
    assert here.get(f"/accounts/sessions/{session_of(here)}/end/").status_code == 405
