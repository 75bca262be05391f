"""The CSRF token of members' pages, which Django checks, and the cookie, which is renewed when it must be."""

import os
import re
from collections import Counter
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CsrfViewMiddleware, get_token
from django.test import Client, RequestFactory, override_settings

from apps.accounts.models import User
from kwippy import csrf

COOKIE = settings.CSRF_COOKIE_NAME
SECRET = CSRF_ALLOWED_CHARS[3:35]
PASSWORD = "a long password"


@pytest.fixture
def browser(db: None) -> Client:
    """A member's, whose tokens are checked. It has no CSRF cookie yet."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_user("ann", "ann@example.org", PASSWORD))
    return browser


def token_of(page: Any) -> str:
    [*tokens] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode()))
    assert len(tokens) == 1
    return str(tokens[0])


def is_accepted(token: str, secret: str = SECRET) -> bool:
    """Whether Django's middleware lets the form pass."""
    middleware = CsrfViewMiddleware(lambda request: HttpResponse())
    request = RequestFactory().post("/", {"csrfmiddlewaretoken": token})
    request.COOKIES[COOKIE] = secret
    middleware.process_request(request)
    return middleware.process_view(request, lambda request: HttpResponse(), (), {}) is None


def unmasked(token: str) -> str:
    numbers = [CSRF_ALLOWED_CHARS.index(character) for character in token]
    return "".join(CSRF_ALLOWED_CHARS[b - a] for a, b in zip(numbers[:32], numbers[32:], strict=True))


# ── The token ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("3.5.1")
@pytest.mark.django_db  # its page has the announcement
@override_settings(CSRF_FAILURE_VIEW="django.views.csrf.csrf_failure")
def test_django_accepts_each_token_of_a_secret_and_none_of_another() -> None:
    for secret in (SECRET, CSRF_ALLOWED_CHARS[-32:], "a" * 32, "9" * 32):
        tokens = {csrf.masked(secret) for _ in range(50)}
        assert len(tokens) == 50
        for token in tokens:
            assert is_accepted(token, secret)
            assert unmasked(token) == secret
            assert not is_accepted(token, SECRET[::-1])
            assert not is_accepted(f"{token[:-1]}{'b' if token[-1] == 'a' else 'a'}", secret)


def test_a_token_takes_one_system_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    urandom = os.urandom

    def counted(size: int) -> bytes:
        sizes.append(size)
        return urandom(size)

    monkeypatch.setattr(os, "urandom", counted)
    csrf.masked(SECRET)
    assert sizes == [64]


def test_each_character_of_a_mask_is_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    for first in range(0, 256, 32):
        # Bytes from 248 on are left out, and others are drawn instead.
        answers = iter([bytes(range(first, first + 32)), b"\xff" * 64, b"\0" * 64])
        monkeypatch.setattr(os, "urandom", lambda size, answers=answers: next(answers))
        token = csrf.masked(SECRET)
        if first == 224:
            assert token[24:32] == CSRF_ALLOWED_CHARS[0] * 8
        drawn.update(token[: 24 if first == 224 else 32])
        assert is_accepted(token)
    assert drawn == dict.fromkeys(CSRF_ALLOWED_CHARS, 4)


# ── The pages and the cookie ─────────────────────────────────────────────────────────────────────


def test_a_member_gets_the_cookie_once_and_a_token_that_is_accepted_with_each_page(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.get("/settings/")
    assert page.cookies[COOKIE]["max-age"] == settings.CSRF_COOKIE_AGE
    secret = browser.cookies[COOKIE].value

    def unused(request: HttpRequest) -> str:
        raise AssertionError("Django's is slower, and renews the cookie")

    monkeypatch.setattr(csrf, "get_token", unused)
    tokens = [token_of(page)]
    for _ in range(3):
        page = browser.get("/settings/")
        assert COOKIE not in page.cookies
        assert "Cookie" in page["Vary"]
        tokens.append(token_of(page))
    assert len(set(tokens)) == 4
    for token in tokens:
        assert unmasked(token) == secret
        assert browser.post("/accounts/logout/x", {"csrfmiddlewaretoken": token}).status_code == 404
    monkeypatch.undo()
    assert browser.post("/accounts/logout/", {"csrfmiddlewaretoken": "a" * 64}).status_code == 403
    assert browser.post("/accounts/logout/", {"csrfmiddlewaretoken": tokens[0]}).status_code == 302


def test_the_cookie_is_renewed_with_the_session(browser: Client) -> None:
    browser.get("/settings/")
    secret = browser.cookies[COOKIE].value
    token = token_of(browser.get("/settings/"))
    form = {
        "oldpassword": PASSWORD,
        "password1": "another long password",
        "password2": "another long password",
    }
    changed = browser.post("/accounts/password/change/", {**form, "csrfmiddlewaretoken": token})
    assert changed.status_code == 302
    assert settings.SESSION_COOKIE_NAME in changed.cookies
    assert changed.cookies[COOKIE].value == secret
    assert changed.cookies[COOKIE]["max-age"] == settings.CSRF_COOKIE_AGE


def test_the_cookie_lives_longer_than_a_session() -> None:
    assert settings.CSRF_COOKIE_AGE > settings.SESSION_COOKIE_AGE
    assert not settings.CSRF_USE_SESSIONS


def test_signing_in_changes_the_secret_and_its_pages_get_the_new_one(db: None) -> None:
    ann = User.objects.create_user("ann", "ann@example.org", PASSWORD)
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    browser = Client(enforce_csrf_checks=True)
    for _ in range(2):  # without a session each page with a form renews it
        page = browser.get("/accounts/login/")
        assert page.cookies[COOKIE].value == unmasked(token_of(page))
    before = browser.cookies[COOKIE].value
    form = {"login": "ann", "password": PASSWORD, "csrfmiddlewaretoken": token_of(page)}
    entered = browser.post("/accounts/login/", form)
    assert entered.status_code == 302
    assert entered.cookies[COOKIE].value not in ("", before)
    assert unmasked(token_of(browser.get("/settings/"))) == entered.cookies[COOKIE].value


@pytest.mark.parametrize(
    "damaged",
    ["", "short", "ö" * 32, "-" * 32, get_token, None],
    ids=["empty", "short", "not ascii", "dashes", "masked", "none"],
)
def test_a_damaged_cookie_is_replaced(browser: Client, damaged: Any) -> None:
    """64 characters are a masked secret, as releases of Django before 4.0 set it: it stays valid."""
    secret = None
    if damaged is get_token:
        secret = SECRET
        damaged = csrf.masked(secret)
    if damaged is not None:
        browser.cookies[COOKIE] = damaged
    page = browser.get("/settings/")
    assert page.cookies[COOKIE].value == unmasked(token_of(page))
    assert secret in (None, page.cookies[COOKIE].value)
