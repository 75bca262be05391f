"""Second factors in Chromium: passkeys with a virtual authenticator; an app's codes without a script."""

from collections.abc import Callable

import pytest
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.factors.tests.steps import code_at
from tests.support.browser import OpenPage
from tests.support.people import PASSWORD, member, minutes_later

pytestmark = pytest.mark.django_db(transaction=True)
Look = Callable[[Page], None]


@pytest.fixture
def ann(transactional_db: None) -> User:
    return member("ann")


def authenticator(page: Page) -> None:
    """One that is built into the computer, and whose owner answers at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    kind = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": kind})


def enter_password(page: Page, site: str, lands: str) -> None:
    page.goto(f"{site}/accounts/login/")
    page.fill("[name=login]", "ann")
    page.fill("[name=password]", PASSWORD)
    page.locator("form[action='/accounts/login/'] button").click()
    page.wait_for_url(f"{site}{lands}")


def sign_out(page: Page, site: str) -> None:
    page.goto(f"{site}/accounts/logout/")
    page.locator("main form[action='/accounts/logout/'] button").click()
    page.wait_for_url(f"{site}/")


def test_a_passkey_is_added_signs_in_alone_and_is_a_second_step(
    live_server: LiveServer, open_page: OpenPage, axe: Look, ann: User
) -> None:
    site = live_server.url
    page = open_page(width=320)
    authenticator(page)
    enter_password(page, site, "/")
    page.goto(f"{site}/accounts/2fa/")
    axe(page)
    page.get_by_role("link", name="add a passkey").click()
    page.fill("[name=name]", "the little phone")
    axe(page)
    page.get_by_role("button", name="add it").click()
    page.wait_for_url(f"{site}/accounts/2fa/codes/")
    assert len(page.locator("#codes").input_value().split("\n")) == 10
    expect(page.get_by_role("button", name="print")).to_be_visible()
    axe(page)
    with page.expect_download() as kept:
        page.get_by_role("link", name="keep as a file").click()
    assert kept.value.path().read_text() == page.locator("#codes").input_value()
    page.get_by_role("link", name="done").click()
    expect(page.locator("main")).to_contain_text("the little phone")
    expect(page.locator("main")).to_contain_text("signs you in alone")
    axe(page)
    assert [told.subject for told in mail.outbox] == ["a passkey was added"]

    sign_out(page, site)
    page.goto(f"{site}/accounts/login/?next=/settings/")
    axe(page)
    page.get_by_role("button", name="sign in with a passkey").click()
    page.wait_for_url(f"{site}/settings/")

    sign_out(page, site)
    enter_password(page, site, "/accounts/2fa/authenticate/")
    axe(page)
    page.get_by_role("button", name="use a passkey").click()
    page.wait_for_url(f"{site}/accounts/2fa/trust/")
    axe(page)
    page.get_by_role("button", name="trust it").click()
    page.wait_for_url(f"{site}/")

    sign_out(page, site)
    enter_password(page, site, "/")
    page.goto(f"{site}/accounts/2fa/")
    with minutes_later(16):
        page.get_by_role("link", name="remove the little phone").click()
        page.get_by_role("link", name="use a passkey").click()
        page.get_by_role("button", name="use a passkey").click()
        page.wait_for_url(f"{site}/accounts/2fa/passkeys/*/remove/")
    page.get_by_role("button", name="remove it").click()
    expect(page.locator("main")).to_contain_text("the passkey is removed.")
    expect(page.locator("main")).not_to_contain_text("the little phone")


def test_a_browser_whose_owner_has_no_passkey_says_so(
    live_server: LiveServer, open_page: OpenPage, ann: User
) -> None:
    page = open_page()
    authenticator(page)
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("[name=login]", "ann")
    page.get_by_role("button", name="sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("that did not work")
    expect(page.locator("[name=login]")).to_have_value("ann")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_an_app_is_added_asked_for_and_removed(
    live_server: LiveServer, open_page: OpenPage, axe: Look, ann: User, javascript: bool
) -> None:
    site = live_server.url
    look = axe if javascript else (lambda page: None)
    page = open_page(javascript=javascript, width=320)
    enter_password(page, site, "/")
    page.goto(f"{site}/accounts/2fa/")
    page.get_by_role("link", name="add an app").click()
    expect(page.get_by_role("img", name="the secret, as a picture")).to_be_visible()
    look(page)
    secret = page.locator("#secret").input_value()
    page.fill("[name=code]", "12345")
    page.get_by_role("button", name="add it").click()
    expect(page.locator("[name=code]")).to_have_value("12345")
    look(page)
    assert page.locator("#secret").input_value() == secret
    page.fill("[name=code]", code_at(secret))
    page.get_by_role("button", name="add it").click()
    page.wait_for_url(f"{site}/accounts/2fa/codes/")
    codes = page.locator("#codes").input_value().split("\n")
    with page.expect_download() as kept:
        page.get_by_role("link", name="keep as a file").click()
    assert kept.value.path().read_text().split("\n") == codes

    sign_out(page, site)
    enter_password(page, site, "/accounts/2fa/authenticate/")
    page.fill("[name=code]", codes[0])
    look(page)
    page.locator("form[action='/accounts/2fa/authenticate/'] button").click()
    page.wait_for_url(f"{site}/accounts/2fa/trust/")
    page.get_by_role("button", name="ask me each time").click()
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/accounts/2fa/")
    expect(page.locator("main")).to_contain_text("9 of 10 left")
    page.get_by_role("link", name="remove the app").click()
    look(page)
    page.get_by_role("button", name="remove it").click()
    expect(page.locator("main")).to_contain_text("the app is removed.")
