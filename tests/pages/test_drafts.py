"""Drafts: the text of a form is restored in its tab until the form is accepted."""

import uuid
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.contact import forms as contact
from apps.kwips import actions

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]


@pytest.fixture
def page(live_server: LiveServer, open_page: Open, transactional_db: None) -> Page:
    """A signed-in tab of ann, who has one kwip."""
    ann = User.objects.create_user("ann", "ann@example.org", "a long password", bio="tea")
    actions.publish(author=ann, text="tea at four", form_key=uuid.uuid4())
    client = Client()
    client.force_login(ann)
    page = open_page()
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return page


def forms() -> dict[str, tuple[str, dict[str, str]]]:
    """Each form with drafts: its path and the typed values."""
    kwip = User.objects.get(username="ann").kwips.get()
    return {
        "compose": ("/kwip/", {"text": "half a\n\n  thought"}),
        "comment": (f"/ann/kwip/{kwip.pk}/", {"text": "half a comment"}),
        "edit": (f"/kwip/{kwip.pk}/edit/", {"text": "tea at five"}),
        "settings": ("/settings/", {"display_name": "Ann of Tea", "bio": "tea and cake"}),
        "contact": (
            "/contact/",
            {"name": "Ann", "email": "ann@example.org", "subject": "tea", "text": "it is cold"},
        ),
    }


NAMES = ["compose", "comment", "edit", "settings", "contact"]


def fill(page: Page, typed: dict[str, str]) -> None:
    for name, value in typed.items():
        page.locator(f"[data-draft] [name={name}]").fill(value)


def expect_typed(page: Page, typed: dict[str, str]) -> None:
    for name, value in typed.items():
        expect(page.locator(f"[data-draft] [name={name}]")).to_have_value(value)


def ready(page: Page, address: str) -> None:
    """Opens the page and waits until the drafts script runs: the tab has a name."""
    page.goto(address)
    page.wait_for_function(
        "async () => (await navigator.locks.query()).held.some((lock) => lock.name.startsWith('tab:'))"
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_was_typed_comes_back_until_the_server_took_it(
    live_server: LiveServer, page: Page, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "MIN_SECONDS", -1)
    path, typed = forms()[name]
    ready(page, live_server.url + path)
    untouched = {field: page.locator(f"[data-draft] [name={field}]").input_value() for field in typed}
    fill(page, typed)
    page.goto(f"{live_server.url}/everyone/")
    ready(page, live_server.url + path)
    expect_typed(page, typed)
    page.reload()
    expect_typed(page, typed)
    with page.expect_navigation():
        page.locator("form[data-draft] button.button[type=submit]:not(.quiet)").click()
    ready(page, live_server.url + path)
    after = typed if name in ("edit", "settings") else untouched
    expect_typed(page, after)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []


def test_two_tabs_keep_a_draft_each_and_a_closed_one_leaves_its_own_to_the_next(
    live_server: LiveServer, page: Page
) -> None:
    address = f"{live_server.url}/kwip/"
    ready(page, address)
    fill(page, {"text": "in the first"})
    second = page.context.new_page()
    ready(second, address)
    expect_typed(second, {"text": ""})
    fill(second, {"text": "in the second"})
    for tab, text in ((page, "in the first"), (second, "in the second")):
        tab.reload()
        expect_typed(tab, {"text": text})
    second.close()
    third = page.context.new_page()
    ready(third, address)
    expect_typed(third, {"text": "in the second"})
    page.reload()
    expect_typed(page, {"text": "in the first"})


def test_a_draft_does_not_cover_a_text_that_was_changed_elsewhere(
    live_server: LiveServer, page: Page
) -> None:
    kwip = User.objects.get(username="ann").kwips.get()
    address = f"{live_server.url}/kwip/{kwip.pk}/edit/"
    ready(page, address)
    fill(page, {"text": "tea at five"})
    actions.edit(kwip=kwip, text="tea at six")
    ready(page, address)
    expect_typed(page, {"text": "tea at six"})


def test_a_form_that_came_back_with_an_error_keeps_what_was_sent(live_server: LiveServer, page: Page) -> None:
    ready(page, f"{live_server.url}/contact/")
    fill(page, {"name": "Ann", "email": "ann@example", "subject": "tea", "text": "it is cold"})
    page.locator("form[data-draft]").evaluate("form => form.noValidate = true")
    page.locator("form[data-draft] button.button[type=submit]:not(.quiet)").click()
    expect(page.locator("[aria-invalid=true]")).to_be_focused()
    expect_typed(page, {"name": "Ann", "email": "ann@example", "text": "it is cold"})
    assert page.title().startswith("error: ")


def test_what_a_visitor_typed_goes_with_the_tab(live_server: LiveServer, open_page: Open) -> None:
    page = open_page()
    ready(page, f"{live_server.url}/contact/")
    fill(page, {"text": "it is cold"})
    ready(page, f"{live_server.url}/contact/")
    expect_typed(page, {"text": "it is cold"})
    assert page.evaluate("localStorage.length") == 0
    other = page.context.new_page()
    ready(other, f"{live_server.url}/contact/")
    expect_typed(other, {"text": ""})
