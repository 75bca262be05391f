"""Ways around a second factor: other forms that sign in, and a stolen security key."""

import json
import time

import pytest
from django.test import Client

from apps.accounts import adapter
from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.factors.tests.steps import Clock, enter_password, signed_in
from apps.factors.tests.test_passkeys import SIGN_IN, add, begin, finish, options
from apps.factors.tests.token import SoftToken
from tests.support.people import PASSWORD, link_to, member, signs_in, who_is_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_in_the_admin_can_not_sign_in_there_as_somebody_else(method: str) -> None:
    member("ops", is_staff=True, is_superuser=True)
    clerk = Client()
    clerk.force_login(member("clerk", is_staff=True))
    form = {"username": "ops", "password": PASSWORD}
    answer = getattr(clerk, method)("/admin/login/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert who_is_in(clerk) == "clerk"


def test_the_password_is_not_changed_in_the_admin() -> None:
    """That form would neither write to the owner nor into the security log."""
    clerk = signed_in(member("clerk", is_staff=True))
    new = {"new_password1": "seven green teapots", "new_password2": "seven green teapots"}
    answer = clerk.post("/admin/password_change/", {"old_password": PASSWORD} | new)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
    assert signs_in("clerk")


def test_a_challenge_of_the_second_step_signs_nobody_in(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thief has an account with a second factor, and the owner's key, but neither PIN nor password."""
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    key = SoftToken()
    add(signed_in(ann), key)
    thief = member("eve")
    add(signed_in(thief), SoftToken())
    for is_verified in (False, True):
        browser = Client()
        assert enter_password(browser, thief) == "/accounts/2fa/authenticate/"
        # The sign-in that waits ends after fifteen minutes; a challenge of its last ones lives longer.
        clock.pass_by(890)
        asked = options(browser, "/accounts/2fa/authenticate/")
        clock.pass_by(20)
        signed = key.sign(asked, is_verified=is_verified)
        answer = browser.post(SIGN_IN, {"credential": json.dumps(signed)})
        assert answer["Location"] == "/accounts/login/"
        assert who_is_in(browser) is None


def test_a_key_without_pin_does_not_sign_in_alone_whatever_the_session_says(ann: User) -> None:
    key = SoftToken()
    add(signed_in(ann), key)
    browser = Client()
    asked = begin(browser)
    session = browser.session
    session["mfa.webauthn.state"] |= {"user_verification": "preferred"}
    session.save()
    assert finish(browser, key.sign(asked, is_verified=False))["Location"] == "/accounts/login/"
    assert who_is_in(browser) is None


@pytest.mark.parametrize("way", ["password", "passkey"])
def test_the_password_alone_does_not_bring_back_who_left_with_a_second_factor(ann: User, way: str) -> None:
    key = SoftToken()
    owner = signed_in(ann)
    add(owner, key)
    assert owner.post("/settings/leave/", {"password": PASSWORD})["Location"] == "/"
    browser = Client()
    if way == "password":
        page = browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    else:
        page = finish(browser, key.sign(begin(browser)))
    text = page.content.decode()
    assert "@ann" in text
    assert ("/accounts/back/" in text) == (way == "passkey")
    assert ("the way back is in the mail" in text) == (way == "password")
    assert link_to(ann.email).startswith("/accounts/back/")


def test_the_password_alone_writes_no_appeal_of_who_has_a_second_factor(ann: User, monkeypatch) -> None:
    monkeypatch.setattr(adapter, "ways_to_appeal", [lambda _person: "/moderation/appeal/token/"])
    key = SoftToken()
    add(signed_in(ann), key)
    switch_off(people=[ann], by=None)
    page = Client().post("/accounts/login/", {"login": "ann", "password": PASSWORD}).content.decode()
    assert "/moderation/appeal/" not in page
    assert "the mail that we sent says how to object" in page
    browser = Client()
    assert 'href="/moderation/appeal/token/"' in finish(browser, key.sign(begin(browser))).content.decode()
