"""Longer words and the other direction in Chromium: nothing is wider than a phone, all is mirrored."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.actions import choose_language
from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.pages.test_layout_frame import wider
from tests.pages.test_pages import sign_in
from tests.support.people import member

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

# How far elements are from the left and from the right of the page.
SIDES = """(selectors) => selectors.map((selector) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const page = document.body.getBoundingClientRect();
    return [box.left - page.left, page.right - box.right];
})"""
CORNERS = """(selector) => {
    const style = getComputedStyle(document.querySelector(selector));
    return ['BottomLeft', 'BottomRight'].map((corner) => parseFloat(style[`border${corner}Radius`]));
}"""


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann, bob = member("ann"), member("bob")
    follow(follower=ann, followee=bob)
    follow(follower=bob, followee=ann)
    kwip = actions.publish(author=bob, text="tea at four? #tea", form_key=uuid.uuid4()).kwip
    for author in (bob, ann):
        actions.comment(author=author, thread=kwip, text="with milk, please", form_key=uuid.uuid4())
    actions.favourite(kwip=kwip, user=ann)
    return ann


def addresses() -> list[str]:
    kwip = Kwip.objects.filter(thread=None).earliest("pk")
    return [
        "/", "/everyone/", "/bob/", "/ann/", f"/bob/kwip/{kwip.pk}/", "/notifications/", "/messages/",
        "/kwip/",
        "/search/?q=tea", "/people/", "/tags/", "/about/", "/settings/", "/settings/notices/",
        "/settings/privacy/", "/settings/messages/", "/settings/mutes/", "/settings/language/",
        "/settings/by-mail/",
        "/settings/face/", "/settings/export/", "/accounts/email/", "/accounts/sessions/", "/invitations/",
        "/settings/tokens/",
        f"/kwip/{kwip.pk}/report/", "/bob/statistics/", "/welcome/", "/contact/",
    ]  # fmt: skip


def too_wide(page: Page, url: str, paths: list[str]) -> dict[str, int]:
    found = {}
    for path in paths:
        page.goto(url + path)
        if by := max(wider(page), 0):
            found[path] = by
    return found


@pytest.mark.parametrize("language", ["de", "es"])
def test_no_page_is_wider_than_a_phone_with_longer_words(
    live_server: LiveServer, open_page: Open, ann: User, language: str
) -> None:
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    choose_language(user=ann, language=language)
    assert too_wide(page, live_server.url, addresses()) == {}
    assert page.evaluate("document.documentElement.lang") == language


def test_from_right_to_left_no_page_is_wider_and_all_is_mirrored(
    live_server: LiveServer, open_page: Open, ann: User, settings: Any
) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربيّة")]
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    of_kwip = [".kwip .avatar", ".kwip .act", ".wordmark"]
    thread = next(path for path in addresses() if path.startswith("/bob/kwip/"))

    def measured() -> dict[str, Any]:
        page.goto(live_server.url + "/everyone/")
        kwip = page.evaluate(SIDES, of_kwip)
        page.goto(live_server.url + thread)
        return {"kwip": kwip, "corner": page.evaluate(CORNERS, ".avatar")}

    from_left = measured()
    assert from_left["corner"][0] < from_left["corner"][1]
    choose_language(user=ann, language="ar")
    assert too_wide(page, live_server.url, addresses()) == {}
    assert page.evaluate("document.documentElement.dir") == "rtl"
    from_right = measured()
    for before, after in zip(from_left["kwip"], from_right["kwip"], strict=True):
        assert after == pytest.approx(before[::-1], abs=2)
    assert from_right["corner"] == from_left["corner"][::-1]
    page.set_viewport_size({"width": 1280, "height": 800})
    assert too_wide(page, live_server.url, addresses()) == {}
