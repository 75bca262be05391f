"""Sign-ins from browsers that an account never used: mail, and a code while someone guesses."""

import re
from datetime import timedelta
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone

from apps.accounts import browsers
from apps.accounts.models import KnownBrowser, User
from apps.limits.models import RateLimitWindow
from apps.securitylog import Event
from apps.securitylog.models import Entry
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, link_to, member, sign_up, who_is_in

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
GUESSES = int(str(settings.LIMITS["failed_sign_in_anywhere"]).split("/")[0])


@pytest.fixture
def ann(db: None, settings: Any) -> User:
    return member("ann")


def browser(address: str = "192.0.2.77") -> Client:
    return Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR=address)


def sign_in(client: Client, login: str = "ann", password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": login, "password": password})


def guess(login: str = "ann", tries: int = GUESSES + 1) -> None:
    """Wrong passwords, each from a network of its own."""
    for n in range(tries):
        sign_in(browser(f"10.{n}.0.1"), login, "wrong")


def told() -> list[str]:
    return [str(message.body) for message in mail.outbox if "new to us" in message.subject]


def code() -> str:
    found = re.search(r"\b(\d{4}-\d{4})\b", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def test_the_owner_hears_of_a_browser_that_they_never_used_and_only_then(ann: User) -> None:
    home = browser()
    sign_in(home)
    assert told() == [], "the account's first sign-in"
    home.post("/accounts/logout/")
    sign_in(home)
    assert told() == [], "a known browser"
    sign_in(browser())
    [body] = told()
    assert "@ann" in body
    # Not "that you never used": a site that was upgraded knows no browser yet.
    assert "browser that we don't know yet" in body
    assert "firefox on linux" in body
    assert "192.0.2.…" in body
    assert "192.0.2.77" not in body
    assert f"{settings.SITE_URL}/accounts/password/reset/" in body
    assert f"{settings.SITE_URL}/accounts/sessions/" in body
    assert mail.outbox[-1].to == [ann.email]


@pytest.mark.parametrize("way", ["change", "reset"])
def test_with_a_new_password_other_browsers_are_unknown(ann: User, way: str) -> None:
    thief, home, new = browser(), browser(), "staple battery horse"
    for client in (thief, home):
        sign_in(client)
    words = {"password1": new, "password2": new}
    if way == "change":
        home.post("/accounts/password/change/", {"oldpassword": PASSWORD} | words)
    else:
        home.post("/accounts/logout/")
        home.post("/accounts/password/reset/", {"email": ann.email})
        home.post(home.get(link_to(ann.email))["Location"], words)
    mail.outbox.clear()
    home.post("/accounts/logout/")
    sign_in(home, password=new)
    assert len(told()) == (way == "reset"), "the browser that changed it stays known"
    mail.outbox.clear()
    sign_in(thief, password=new)
    assert len(told()) == 1


def test_two_accounts_may_share_a_browser(ann: User) -> None:
    shared, other = browser(), member("bob")
    for login in ("ann", "bob"):
        sign_in(browser(), login)
        sign_in(shared, login)
        shared.post("/accounts/logout/")
    assert len(told()) == 2
    for login in ("ann", "bob"):
        sign_in(shared, login)
        shared.post("/accounts/logout/")
    assert len(told()) == 2
    assert KnownBrowser.objects.filter(user=other).count() == 2


def test_a_browser_has_names_for_a_bounded_number_of_accounts(ann: User) -> None:
    shared = browser()
    names = [f"bob{n}" for n in range(browsers.MOST_NAMES)]
    for login in ("ann", *names):
        if login != "ann":
            member(login)
        sign_in(browser(), login)
        sign_in(shared, login)
        shared.post("/accounts/logout/")
    assert len(shared.cookies[settings.KNOWN_BROWSER_COOKIE].value.split(".")) == browsers.MOST_NAMES
    mail.outbox.clear()
    for login in reversed(names):
        sign_in(shared, login)
        assert who_is_in(shared) == login
        shared.post("/accounts/logout/")
    assert told() == []
    sign_in(shared)
    assert len(told()) == 1, "the oldest name is gone"


def test_the_first_sign_in_of_a_sign_up_is_not_told_about() -> None:
    client = browser()
    sign_up(client, "dora", "dora@example.org")
    client.get(link_to("dora@example.org"))
    assert who_is_in(client) == "dora"
    assert told() == []
    client.post("/accounts/logout/")
    sign_in(client, "dora")
    assert told() == [], "the browser is known since"


@override_settings(SESSION_COOKIE_SECURE=True)
def test_the_cookie_names_the_browser_alone(ann: User) -> None:
    client = browser()
    sign_in(client)
    cookie = client.cookies[settings.KNOWN_BROWSER_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert re.fullmatch(r"[\w-]{22}", cookie.value)
    assert KnownBrowser.objects.get().digest != cookie.value, "the database cannot forge it"


@pytest.mark.parametrize(
    "forged", ["", "x", "x" * 22 + "\n", "é" * 22, "x" * 9_000, ".".join(["x" * 22] * 400)]
)
def test_a_forged_cookie_is_replaced(ann: User, forged: str) -> None:
    sign_in(browser())
    client = browser()
    client.cookies[settings.KNOWN_BROWSER_COOKIE] = forged
    sign_in(client)
    assert who_is_in(client) == "ann"
    assert client.cookies[settings.KNOWN_BROWSER_COOKIE].value != forged
    assert len(told()) == 1


def test_an_account_has_a_bounded_number_of_known_browsers_and_of_mails(ann: User) -> None:
    first = browser("10.0.0.1")
    sign_in(first)
    for n in range(browsers.MOST + 5):
        sign_in(browser(f"10.{n}.0.2"))
    assert KnownBrowser.objects.filter(user=ann).count() == browsers.MOST
    assert len(told()) == int(str(settings.LIMITS["new_browser_mail"]).split("/")[0])
    digest = browsers._digest(first.cookies[settings.KNOWN_BROWSER_COOKIE].value)
    assert not KnownBrowser.objects.filter(digest=digest).exists(), "the oldest is forgotten"


@pytest.mark.asvs("6.3.5")
def test_while_someone_guesses_an_unknown_browser_shows_a_mailed_code(ann: User) -> None:
    home = browser()
    sign_in(home)
    home.post("/accounts/logout/")
    guess()
    sign_in(home)
    assert who_is_in(home) == "ann", "nobody is locked out of their own browser"

    away = browser("198.51.100.7")
    response = sign_in(away)
    assert response["Location"] == "/accounts/login/code/confirm/"
    assert who_is_in(away) is None
    assert mail.outbox[-1].to == [ann.email]
    page = away.get("/accounts/login/code/confirm/").content.decode()
    assert 'autocomplete="one-time-code"' in page
    wrong = away.post("/accounts/login/code/confirm/", {"code": "0000-0000"})
    assert "not the code we sent" in wrong.content.decode()
    away.post("/accounts/login/code/confirm/", {"code": code()})
    assert who_is_in(away) == "ann"
    events = list(Entry.objects.filter(user_id=ann.pk).values_list("event", flat=True))
    for event in (Event.GUESSING, Event.CODE_ASKED, Event.CODE_FAILED, Event.SIGNED_IN):
        assert event in events
    away.post("/accounts/logout/")
    sign_in(away)
    assert who_is_in(away) == "ann", "it is known since"


def test_a_wrong_password_reveals_nothing_of_it(ann: User) -> None:
    guess()
    pages = [sign_in(browser("198.51.100.8"), login, "wrong") for login in ("ann", "nobody")]
    texts = [re.sub(r'value="[^"]*"', "", page.content.decode()) for page in pages]
    assert texts[0] == texts[1]
    assert [page.status_code for page in pages] == [200, 200]
    assert "code" not in " ".join(str(message.subject) for message in mail.outbox)


def test_it_ends_with_the_guesses_and_with_a_new_password(ann: User) -> None:
    guess()
    assert browsers.limits.is_met("failed_sign_in_anywhere", "user", ann.pk)
    RateLimitWindow.objects.filter(scope="failed_sign_in_anywhere").update(
        times=[timezone.now() - timedelta(days=1, minutes=n) for n in range(GUESSES)]
    )
    away = browser("198.51.100.9")
    sign_in(away)
    assert who_is_in(away) == "ann"
    guess()
    client = Client()
    client.post("/accounts/password/reset/", {"email": ann.email})
    to_key = client.get(link_to(ann.email))["Location"]
    words = {"password1": "staple battery horse", "password2": "staple battery horse"}
    client.post(to_key, words)
    far = browser("198.51.100.10")
    sign_in(far, password="staple battery horse")
    assert who_is_in(far) == "ann"


def test_who_has_a_second_factor_is_asked_for_that_alone(ann: User) -> None:
    TOTP.activate(ann, generate_totp_secret())
    assert Authenticator.objects.filter(user=ann).exists()
    guess()
    response = sign_in(browser("198.51.100.7"))
    assert response["Location"] == "/accounts/2fa/authenticate/"


def test_a_code_has_few_tries_and_ten_minutes(ann: User) -> None:
    guess()
    away = browser("198.51.100.7")
    sign_in(away)
    right = code()
    for _ in range(settings.ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS):
        last = away.post("/accounts/login/code/confirm/", {"code": "1111-1111"})
    assert last["Location"] == "/accounts/login/"
    away.post("/accounts/login/code/confirm/", {"code": right})
    assert who_is_in(away) is None
    sign_in(away)
    right = code()
    session = away.session
    session["account_login"]["state"]["stages"]["login_by_code"]["data"]["at"] -= 10 * 60 + 1
    session.save()
    away.post("/accounts/login/code/confirm/", {"code": right})
    assert who_is_in(away) is None


def test_codes_are_bounded_by_network_and_in_all(ann: User) -> None:
    guess()
    before = len(mail.outbox)
    responses = [sign_in(browser("198.51.100.7")) for _ in range(6)]
    assert [response.status_code for response in responses] == [302] * 5 + [429]
    assert "Retry-After" in responses[-1]
    for n in range(40):
        sign_in(browser(f"10.200.{n}.1"))
    assert len(mail.outbox) - before == 30


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_no_more_than_tries_one_by_one(ann: User) -> None:
    guess()
    away = browser("198.51.100.7")
    sign_in(away)
    cookies = away.cookies

    def attempt(n: int) -> str:
        client = browser("198.51.100.7")
        client.cookies = SimpleCookie({name: cookie.value for name, cookie in cookies.items()})
        return client.post("/accounts/login/code/confirm/", {"code": f"{n:08}"}).content.decode()

    pages = at_once([partial(attempt, n) for n in range(12)])
    tried = sum("not the code we sent" in page for page in pages)
    assert tried <= int(str(settings.LIMITS["sign_in_code_tries"]).split("/")[0])
