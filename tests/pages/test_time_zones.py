"""The time zone of a newcomer: guessed by the browser at sign-up, kept until the person exists."""

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts import sign_ups
from apps.accounts.models import Application, SignUp, User
from apps.notifications.models import Preferences
from apps.policy.models import SignUpMode, SitePolicy
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {
    "username": "eve",
    "email": "eve@example.org",
    "password1": "seven green teapots",
    "password2": "seven green teapots",
}


def zone_of(username: str) -> str | None:
    zones = Preferences.objects.filter(user__username=username).values_list("time_zone", flat=True)
    return zones.first()


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"time_zone": "Asia/Kolkata"}, "Asia/Kolkata"),
        ({"time_zone": "Mars/Base"}, None),
        ({"time_zone": "../../etc/passwd"}, None),
        ({"time_zone": "x\0" * 9_999}, None),
        ({}, None),
    ],
)
def test_a_known_zone_is_kept_and_any_other_is_no_error(
    client: Client, sent: dict[str, str], stored: str | None
) -> None:
    client.post("/accounts/signup/", FORM | sent)
    assert len(mail.outbox) == 1
    sign_ups.complete(SignUp.objects.get())
    assert zone_of("eve") == stored


def test_it_survives_a_corrected_address_and_an_approval(client: Client) -> None:
    SitePolicy(sign_up=SignUpMode.APPROVAL).save()
    client.post("/accounts/signup/", FORM | {"time_zone": "Asia/Kolkata", "words": "i like tea"})
    client.post("/accounts/confirm-email/change/", {"email": "eve@example.net"})
    sign_ups.complete(SignUp.objects.get())
    operator = User.objects.create_superuser("ops", "ops@example.org", "x")
    sign_ups.accept(Application.objects.get().pk, by=operator)
    assert zone_of("eve") == "Asia/Kolkata"


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_browser_reports_its_zone_if_it_runs_scripts(
    live_server: LiveServer, open_page: Callable[..., Page], javascript: bool
) -> None:
    page = open_page(javascript=javascript)
    page.goto(f"{live_server.url}/accounts/signup/")
    own = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    for name, value in FORM.items():
        page.fill(f"[name={name}]", value)
    page.click("main button[type=submit]")
    expect(page.locator("main")).to_contain_text("eve@example.org")
    assert own
    assert SignUp.objects.get().time_zone == (own if javascript else "")


def test_the_settings_offer_it_to_members_who_have_none(
    live_server: LiveServer, open_page: Callable[..., Page]
) -> None:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/settings/notices/")
    own = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    page.get_by_role("group", name="someone follows you").get_by_label("mail now").check()
    page.get_by_role("button", name="save").click()
    expect(page.locator("main")).to_contain_text("saved")
    row = Preferences.objects.get(user=ann)
    assert (row.channels, row.time_zone) == ({"follow": "mail"}, own)
