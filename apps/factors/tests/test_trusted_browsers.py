"""A trusted browser is not asked for thirty days, until the password or a factor changes."""

import pytest
from allauth.mfa.internal.flows import trust
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client, RequestFactory

from apps.accounts.models import User
from apps.factors.tests.steps import Clock, add_app, code_at, enter_password, signed_in
from apps.factors.views import MOST_TRUSTED
from tests.support.people import PASSWORD, member, who_is_in

COOKIE = "trusted"


def trusted(user: User, secret: str, clock: Clock, browser: Client | None = None) -> Client:
    """A browser that its owner trusted as she signed in, and that is signed out."""
    browser = browser or Client()
    clock.pass_by(60)
    enter_password(browser, user)
    browser.post("/accounts/2fa/authenticate/", {"code": code_at(secret)})
    assert browser.post("/accounts/2fa/trust/", {"action": "trust"})["Location"] == "/"
    assert who_is_in(browser) == user.username
    browser.post("/accounts/logout/")
    return browser


def test_a_trusted_browser_is_not_asked_for_thirty_days(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    browser = trusted(ann, secret, clock)
    assert enter_password(browser, ann) == "/"
    browser.post("/accounts/logout/")
    clock.pass_by(30 * 86_400 - 120)
    assert enter_password(browser, ann) == "/"
    browser.post("/accounts/logout/")
    clock.pass_by(240)
    assert enter_password(browser, ann) == "/accounts/2fa/authenticate/"
    assert enter_password(Client(), ann) == "/accounts/2fa/authenticate/", "other browsers are asked"


def test_the_password_is_still_needed(ann: User, clock: Clock) -> None:
    browser = trusted(ann, add_app(signed_in(ann))[0], clock)
    assert enter_password(browser, ann, "a guess") == "200"


def test_a_browser_of_whom_nobody_said_so_is_asked_again(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    clock.pass_by(60)
    browser = Client()
    enter_password(browser, ann)
    browser.post("/accounts/2fa/authenticate/", {"code": code_at(secret)})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("change", ["password", "codes", "app"])
def test_a_new_password_or_factor_ends_the_trust(change: str, ann: User, clock: Clock) -> None:
    owner = signed_in(ann)
    secret, _codes = add_app(owner)
    browser = trusted(ann, secret, clock)
    owner.post("/accounts/reauthenticate/", {"password": PASSWORD})
    password = PASSWORD
    if change == "password":
        password = "seven green teapots"
        form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
        assert owner.post("/accounts/password/change/", form).status_code == 302
    elif change == "codes":
        owner.post("/accounts/2fa/codes/new/")
    else:
        owner.post("/accounts/2fa/app/remove/")
        add_app(owner)
    assert enter_password(browser, ann, password) == "/accounts/2fa/authenticate/"


def test_signing_out_everywhere_ends_the_trust(ann: User, clock: Clock) -> None:
    owner = signed_in(ann)
    browser = trusted(ann, add_app(owner)[0], clock)
    owner.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert owner.post("/accounts/sessions/end/")["Location"] == "/accounts/login/"
    assert enter_password(browser, ann) == "/accounts/2fa/authenticate/"


def test_the_trust_of_one_account_is_none_of_another(ann: User, clock: Clock) -> None:
    bob = member("bob")
    browser = trusted(ann, add_app(signed_in(ann))[0], clock)
    add_app(signed_in(bob))
    assert enter_password(browser, bob) == "/accounts/2fa/authenticate/"


def test_the_cookie_is_kept_from_scripts_and_other_sites(ann: User, clock: Clock, settings) -> None:
    settings.MFA_TRUST_COOKIE_NAME = "__Host-trusted"
    settings.MFA_TRUST_COOKIE_SECURE = True
    cookie = trusted(ann, add_app(signed_in(ann))[0], clock).cookies["__Host-trusted"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert cookie["max-age"] == 30 * 86_400


def test_the_cookie_names_few_accounts_and_nobody_in_plain(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    browser = Client()
    for _ in range(MOST_TRUSTED + 3):
        trusted(ann, secret, clock, browser)
        # Its trust ends, as if it were another account's.
        Authenticator.objects.filter(type="recovery_codes").delete()
        RecoveryCodes.activate(ann)
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = browser.cookies[COOKIE].value
    assert len(trust.decode_trust_cookie(request)) == MOST_TRUSTED
    assert len(browser.cookies[COOKIE].value) < 1500


@pytest.mark.parametrize("value", ["", "x", "W10:x", "a" * 4000])
def test_a_forged_cookie_is_no_trust(value: str, ann: User, clock: Clock) -> None:
    add_app(signed_in(ann))
    browser = Client()
    browser.cookies[COOKIE] = value
    assert enter_password(browser, ann) == "/accounts/2fa/authenticate/"
