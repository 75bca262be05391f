"""The contact form in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.contact import forms
from apps.contact.models import Message


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_form_sent_too_soon_is_accepted_when_it_is_sent_again(
    live_server: LiveServer,
    open_page: Callable[..., Page],
    monkeypatch: pytest.MonkeyPatch,
    javascript: bool,
) -> None:
    # More than the test takes on any machine.
    monkeypatch.setattr(forms, "MIN_SECONDS", 600)
    page = open_page(javascript=javascript)
    page.goto(live_server.url)
    page.click("footer a[href='/contact/']")
    expect(page.locator("[name=website]")).not_to_be_in_viewport(ratio=1)
    page.fill("[name=name]", "Ann")
    page.fill("[name=email]", "ann@example.org")
    page.fill("[name=subject]", "the kettle")
    page.fill("[name=text]", "\n\nwhere is the <pot>?\n  ann")
    page.click("main button[type=submit]")
    expect(page.locator("main")).to_contain_text("that was quick")
    expect(page.locator("[name=text]")).to_have_value("\n\nwhere is the <pot>?\n  ann")
    monkeypatch.setattr(forms, "MIN_SECONDS", -1)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_contain_text("thank you")
    assert Message.objects.get().text == "where is the <pot>?\n  ann"


@pytest.mark.django_db(transaction=True)
def test_form_errors_are_accessible(
    live_server: LiveServer, open_page: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    page = open_page(width=320)
    page.goto(f"{live_server.url}/contact/")
    page.evaluate("document.querySelector('[name=website]').value = 'x'")
    page.fill("[name=email]", "ann@localhost")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.click("main button[type=submit]")
    expect(page.locator("[name=website]")).to_be_visible()
    expect(page.locator("[aria-invalid=true]")).to_have_count(5)
    axe(page)
