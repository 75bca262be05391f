"""In Chromium, with and without JavaScript: share a kwip, take it back, keep it as a bookmark."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def click(button: Locator) -> None:
    """Returns when the site has answered: leaving the page before then may lose the click."""
    with button.page.expect_response(lambda response: response.request.method == "POST"):
        button.click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_kwip_is_shared_seen_by_followers_and_taken_back(
    live_server: LiveServer, open_page: Callable[..., Page], javascript: bool
) -> None:
    ann, bob, eve = (
        User.objects.create_user(name, f"{name}@example.org", "a long password", display_name=name.title())
        for name in ("ann", "bob", "eve")
    )
    follow(follower=ann, followee=bob)
    kwip = actions.publish(author=eve, text="who likes tea?", form_key=uuid.uuid4()).kwip
    sharer, follower = (open_page(width=320, javascript=javascript) for _ in range(2))
    sign_in(sharer, bob, live_server.url)
    sign_in(follower, ann, live_server.url)
    follower.goto(live_server.url)
    expect(follower.locator(".kwip")).to_have_count(0)

    sharer.goto(f"{live_server.url}/everyone/")
    button = sharer.get_by_role("button", name="share")
    click(button)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_contain_text("1")
    sharer.goto(f"{live_server.url}/bob/shares/")
    expect(sharer.locator(f"#kwip-{kwip.pk}")).to_contain_text("who likes tea?")

    follower.goto(live_server.url)
    expect(follower.locator(".sharer")).to_contain_text("shared by Bob")
    expect(follower.locator(".sharer + .kwip")).to_contain_text("who likes tea?")
    follower.locator(".kwip .menu > summary").click()
    click(follower.get_by_role("button", name="bookmark"))
    if not javascript:
        follower.locator(".kwip .menu > summary").click()
    expect(follower.get_by_role("button", name="bookmark")).to_have_attribute("aria-pressed", "true")

    author = open_page(width=320, javascript=javascript)
    sign_in(author, eve, live_server.url)
    author.goto(f"{live_server.url}/notifications/")
    expect(author.locator(".notifications .is-new")).to_contain_text("Bob shared your kwip")

    sharer.goto(f"{live_server.url}/everyone/")
    click(sharer.get_by_role("button", name="share"))
    expect(sharer.get_by_role("button", name="share")).to_have_attribute("aria-pressed", "false")
    sharer.goto(f"{live_server.url}/bob/shares/")
    expect(sharer.locator(".kwip")).to_have_count(0)
    follower.goto(live_server.url)
    expect(follower.locator(".sharer")).to_have_count(0)
    expect(follower.locator(".kwip")).to_have_count(0)
    follower.goto(f"{live_server.url}/bookmarks/")
    expect(follower.locator(f"#kwip-{kwip.pk}")).to_contain_text("who likes tea?")
    follower.locator(".kwip .menu > summary").click()
    click(follower.get_by_role("button", name="bookmark"))
    follower.goto(f"{live_server.url}/bookmarks/")
    expect(follower.locator(".kwip")).to_have_count(0)
