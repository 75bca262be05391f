"""The layout of notices, and of a newcomer's network, in Chromium, in pixels."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

HEIGHTS = "(of) => [...document.querySelectorAll(of)].map((it) => it.getBoundingClientRect().height)"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def people() -> list[User]:
    return [User.objects.create_user(f"per{n}", f"per{n}@example.org", "a long password") for n in range(6)]


def test_a_notice_of_one_line_is_at_most_52_pixels_high_and_each_day_is_named_once(
    live_server: LiveServer, open_page: Open, people: list[User]
) -> None:
    me, *others = people
    for other in others:
        follow(follower=other, followee=me)
        actions.publish(author=other, text="@per0 tea?", form_key=uuid.uuid4())
    page = open_page(width=1280)
    sign_in(page, me, live_server.url)
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/notifications/")
        heights = page.evaluate(HEIGHTS, ".notifications ul > li")
        assert len(heights) == 6
        assert max(heights) <= (52 if width == 1280 else 76), (width, heights)
        expect(page.locator(".day")).to_have_text(["today"])
        assert page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_newcomer_follows_one_of_five_people_and_the_network_fills(
    live_server: LiveServer, open_page: Open, people: list[User], javascript: bool
) -> None:
    me, *others = people
    for other in others:
        actions.publish(
            author=other,
            text=f"a word of {other.username}, https://example.org/{'a' * 60}",
            form_key=uuid.uuid4(),
        )
    page = open_page(width=320, javascript=javascript)
    sign_in(page, me, live_server.url)
    page.goto(f"{live_server.url}/")
    rows = page.locator("main .people > li")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("a word of per5")
    assert max(page.evaluate(HEIGHTS, "main .people > li")) <= 172
    assert page.evaluate(SIDEWAYS) <= 0
    onward = page.get_by_role("link", name="see what they write")
    expect(onward).to_be_hidden()
    with page.expect_response("**/follow/"):
        rows.first.get_by_role("button").click()
    if javascript:
        onward.click()
    expect(page.locator(".kwip")).to_have_count(1)
    expect(page.locator(".kwip")).to_contain_text("a word of per5")
    expect(page.locator("main .people")).to_have_count(0)
