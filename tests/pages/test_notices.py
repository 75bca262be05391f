"""In Chromium, with and without JavaScript: be mentioned, answer, one notice, stop tracking."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

DOT = ".nav .has-news"


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def bob(transactional_db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", "a long password")


def say(author: User, thread: Kwip, text: str) -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_member_is_notified_reads_answers_and_stops_tracking(
    live_server: LiveServer, open_page: Callable[..., Page], ann: User, bob: User, javascript: bool
) -> None:
    page = open_page(width=320, javascript=javascript)
    sign_in(page, ann, live_server.url)
    kwip = actions.publish(author=bob, text="who likes tea?", form_key=uuid.uuid4()).kwip
    page.goto(f"{live_server.url}/everyone/")
    expect(page.locator(DOT)).to_have_count(0)
    called = say(bob, kwip, "@ann does")

    page.goto(f"{live_server.url}/everyone/")
    page.locator(DOT).click()
    expect(page.locator(".notifications .is-new")).to_contain_text("bob mentioned you in a comment")
    expect(page.locator(DOT)).to_have_count(0)
    page.locator(".notifications .is-new a").click()
    page.locator(f"#kwip-{called.pk} summary").click()
    page.locator(f"#kwip-{called.pk}").get_by_role("link", name="answer").click()
    text = page.locator("#comment textarea")
    expect(text).to_have_value("@bob ")
    text.fill("@bob i do :)")
    page.locator("#comment").get_by_role("button", name="comment").click()
    made = page.locator(".said", has_text="i do :)")
    expect(made).to_contain_text("in answer to a comment above")

    for _ in range(3):
        say(bob, kwip, "with milk?")
    page.goto(f"{live_server.url}/notifications/")
    expect(page.locator(".notifications .is-new")).to_have_count(1)
    stop = page.get_by_role("button", name="stop tracking")
    stop.click()
    if javascript:
        expect(page.get_by_role("button", name="track this talk")).to_be_visible()
    expect(stop).to_have_count(0)
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    expect(page.get_by_role("button", name="track this talk")).to_be_visible()
    say(bob, kwip, "or sugar?")
    page.goto(f"{live_server.url}/everyone/")
    expect(page.locator(DOT)).to_have_count(0)

    page.goto(f"{live_server.url}/notifications/")
    page.get_by_role("button", name="clear all").click()
    expect(page.locator(".empty")).to_contain_text("all quiet")
