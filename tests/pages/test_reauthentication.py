"""What matters most asks for the password again after 15 minutes, and nothing that was typed is lost."""

import html
import re
import time
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.tokens.models import Token
from tests.support.people import PASSWORD, member, minutes_later, who_is_in

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("7.5.1"), pytest.mark.asvs("7.5.3")]

TOKENS = "/settings/tokens/"
TOKEN = {"name": "the weather <station>", "writes": "on"}
# Addresses of which a GET asks.
PAGES = ("/accounts/email/", "/settings/export/", "/accounts/2fa/app/")
STAFF_PAGES = ("/admin/", "/admin/accounts/user/", "/admin/policy/sitepolicy/1/change/", "/moderation/")


@pytest.fixture
def ann() -> User:
    return member("ann")


@pytest.fixture
def anns(ann: User) -> Client:
    """Her browser, in which she just signed in."""
    browser = Client()
    browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    return browser


def carried(page: Any) -> dict[str, str]:
    """The form of the page that asks: what was sent, as a browser would send it again."""
    body = page.content.decode()
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', body)
    return {html.unescape(name): html.unescape(value) for name, value in found if "csrf" not in name}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_after_a_quarter_of_an_hour_and_is_shown_then(anns: Client, path: str) -> None:
    with minutes_later(14.9):
        assert anns.get(path).status_code == 200
    with minutes_later(15.1):
        asked = anns.get(path)
        assert asked["Location"] == f"/accounts/reauthenticate/?next={quote(path, safe='')}"
        assert anns.head(path).status_code == 302
        back = anns.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": path})
        assert back["Location"] == path
        assert anns.get(path).status_code == 200


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_pages_of_operators_ask(path: str) -> None:
    browser = Client()
    browser.force_login(member("opera", is_staff=True, is_superuser=True))
    assert browser.get(path).status_code == 200
    with minutes_later(16):
        assert browser.get(path)["Location"].startswith("/accounts/reauthenticate/")


def test_who_has_no_role_is_not_asked_for_pages_of_operators(anns: Client) -> None:
    with minutes_later(16):
        assert anns.get("/moderation/").status_code == 404
        assert anns.get("/admin/").status_code == 302
        assert "/admin/login/" in anns.get("/admin/")["Location"]


def test_the_question_does_not_stand_in_the_way_of_a_visitor(client: Client) -> None:
    assert client.get("/accounts/email/")["Location"].startswith("/accounts/login/")
    assert client.get("/moderation/").status_code == 404


def test_what_was_sent_goes_on_from_the_page_that_asks(anns: Client) -> None:
    with minutes_later(16):
        asked = anns.post(TOKENS, TOKEN)
        assert (asked.status_code, Token.objects.count()) == (403, 0)
        assert carried(asked) == TOKEN
        wrong = anns.post(TOKENS, carried(asked) | {"again-password": "not hers"})
        assert (wrong.status_code, Token.objects.count()) == (403, 0)
        assert "not your password" in html.unescape(wrong.content.decode())
        assert carried(wrong) == TOKEN
        made = anns.post(TOKENS, carried(wrong) | {"again-password": PASSWORD})
        assert made.status_code == 200
        assert Token.objects.get().name == "the weather <station>"
        assert anns.post(TOKENS, TOKEN | {"name": "another"}).status_code == 200, "asked once"


def test_a_long_text_in_the_admin_survives(client: Client) -> None:
    client.force_login(member("opera", is_staff=True, is_superuser=True))
    path = "/admin/sitepages/sitepage/rules/change/"
    words = '## "house" rules\r\n\r\n' + "be <kind> & brief.\r\n" * 5_000
    with minutes_later(16):
        page = client.post(path, {"text": words, "_continue": "1"})
        assert page.status_code == 403
        assert carried(page) == {"text": words, "_continue": "1"}


def test_a_password_that_was_sent_is_not_given_back(client: Client) -> None:
    client.force_login(member("opera", is_staff=True, is_superuser=True))
    with minutes_later(16):
        page = client.post(
            "/admin/accounts/user/1/password/", {"password1": "a secret", "password2": "a secret"}
        )
    assert page.status_code == 403
    assert "a secret" not in page.content.decode()


def test_a_view_does_not_see_the_answer(anns: Client) -> None:
    seen: list[dict[str, Any]] = []
    form = patch("apps.tokens.views.TokenForm", side_effect=lambda data: seen.append(dict(data)))
    with minutes_later(16), form, pytest.raises(AttributeError):
        anns.post(TOKENS, TOKEN | {"again-password": PASSWORD})
    assert seen == [{"name": [TOKEN["name"]], "writes": ["on"]}]


def test_wrong_answers_are_limited_like_wrong_sign_ins(anns: Client) -> None:
    with minutes_later(16):
        for _number in range(5):
            anns.post(TOKENS, TOKEN | {"again-password": "wrong"})
        page = anns.post(TOKENS, TOKEN | {"again-password": PASSWORD})
    assert (page.status_code, Token.objects.count()) == (403, 0)
    assert "too many wrong passwords" in page.content.decode()
    assert carried(page) == TOKEN


def test_a_script_is_told_where_to_answer(anns: Client) -> None:
    with minutes_later(16):
        answer = anns.post(TOKENS, TOKEN, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["link"]["href"]) == (403, "/accounts/reauthenticate/?next=%2F")


def test_a_session_is_ended_only_after_the_question(anns: Client, ann: User) -> None:
    other = Client()
    other.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    session = other.session.session_key
    path = f"/accounts/sessions/{UserSession.objects.get(session_key=session).pk}/end/"
    with minutes_later(16):
        assert anns.get("/accounts/sessions/").status_code == 200
        assert anns.post(path).status_code == 403
        assert UserSession.objects.filter(session_key=session).exists()
        assert anns.post(path, {"again-password": PASSWORD}).status_code == 302
    assert not UserSession.objects.filter(session_key=session).exists()


def test_a_code_is_an_answer_too(anns: Client, ann: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ann, secret)
    RecoveryCodes.activate(ann)
    with minutes_later(16):
        asked = anns.post(TOKENS, TOKEN)
        assert 'name="again-code"' in asked.content.decode()
        assert anns.post(TOKENS, TOKEN | {"again-code": "000000"}).status_code == 403
        code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
        answer = {"again-password": "", "again-code": code}
        assert anns.post(TOKENS, carried(asked) | answer).status_code == 200
    assert Token.objects.count() == 1


@pytest.mark.asvs("7.2.4")
@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/accounts/reauthenticate/", {"password": PASSWORD}),
        ("/accounts/2fa/reauthenticate/", {"code": "{code}"}),
        (TOKENS, {"again-password": PASSWORD}),
        (TOKENS, {"again-code": "{code}"}),
    ],
    ids=["a password", "a code", "a password in place", "a code in place"],
)
def test_an_answer_gives_the_session_another_key(
    anns: Client, ann: User, path: str, answer: dict[str, str]
) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ann, secret)
    stolen = anns.cookies[settings.SESSION_COOKIE_NAME].value
    listed = UserSession.objects.get()
    with minutes_later(16):
        code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
        anns.post(path, TOKEN | {name: value.format(code=code) for name, value in answer.items()})
    kept = anns.cookies[settings.SESSION_COOKIE_NAME].value
    assert kept != stolen
    assert who_is_in(anns) == "ann"
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert who_is_in(thief) is None
    renewed = UserSession.objects.get()
    assert (renewed.pk, renewed.session_key) == (listed.pk, kept), "one line in the list of sessions"


@pytest.mark.asvs("7.2.4")
@pytest.mark.parametrize("path", ["/accounts/reauthenticate/", TOKENS])
def test_a_wrong_answer_leaves_the_key(anns: Client, path: str) -> None:
    before = anns.cookies[settings.SESSION_COOKIE_NAME].value
    with minutes_later(16):
        anns.post(path, {"password": "wrong", "again-password": "wrong"})
    assert anns.cookies[settings.SESSION_COOKIE_NAME].value == before


def test_a_passkey_is_asked_for_on_a_page_of_its_own(anns: Client, ann: User) -> None:
    Authenticator.objects.create(user=ann, type=Authenticator.Type.WEBAUTHN, data={})
    with minutes_later(16):
        body = anns.post(TOKENS, TOKEN).content.decode()
    assert "/accounts/2fa/passkeys/reauthenticate/" in body


def test_who_has_no_password_is_sent_to_set_one(anns: Client, ann: User) -> None:
    ann.set_unusable_password()
    ann.save()
    anns.force_login(ann)
    with minutes_later(16):
        assert anns.get("/settings/export/")["Location"] == "/accounts/password/reset/"


def test_a_session_keeps_few_answers(anns: Client) -> None:
    for minutes in range(16, 16 * 14, 16):
        with minutes_later(minutes):
            anns.post(TOKENS, {"name": "", "again-password": PASSWORD})
    assert len(anns.session["account_authentication_methods"]) == 10
