"""Every page in Chromium, at three widths, light and dark: accessible, within its width, silent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from tests.pages.test_pages import addresses, ann, sign_in
from tests.support.browser import AXE_OF_COLOURS
from tests.support.contact_sheets import KEEP, keep

__all__ = ["ann"]
pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

WIDTHS = (1280, 768, 320)
# So that no process of the test run has all of it.
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("member", [False, True], ids=["visitor", "member"])
def test_every_page_is_accessible_fits_and_breaks_no_policy(
    live_server: LiveServer, open_page: Open, axe: Callable[..., None], ann: User, member: bool, part: int
) -> None:
    """One load a page: the window is resized and the colour scheme emulated on it."""
    page = open_page(workers="allow")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    if member:
        sign_in(page, ann, live_server.url)
    folder = os.environ.get(KEEP)
    for number, address in list(enumerate(addresses(member)))[part::PARTS]:
        answer = page.goto(live_server.url + address)
        assert answer
        assert answer.status in (200, 403, 404, 410), address
        if folder:
            name = f"{'member' if member else 'visitor'}-{number:03}"
            keep(page, answer.body(), address, Path(folder), name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="light")
            axe(page)
            check_widths(page, address, width)
            if member:
                check_headings(page, address)
            page.emulate_media(color_scheme="dark")
            axe(page, AXE_OF_COLOURS)
    # The browser logs each response that is not a 200.
    assert not [said for said in complaints if "Failed to load resource" not in said]


# How much wider a page is than the screen, and the width of each card's line of names and times.
MEASURE = """() => [
    document.documentElement.scrollWidth - document.documentElement.clientWidth,
    [...document.querySelectorAll('.kwip-head')].map((head) => head.clientWidth),
]"""


def check_widths(page: Page, address: str, width: int) -> None:
    wide, heads = page.evaluate(MEASURE)
    assert wide <= 0, f"{address} is {wide} pixels wider than the screen of {width}"
    assert min(heads, default=width) >= 160, f"{address}: names and times have too little room: {heads}"


# The levels of the headings, and the numbers of cards and of their headings.
HEADINGS = """() => [
    [...document.querySelectorAll('main :is(h1, h2, h3)')].map((one) => +one.tagName[1]),
    document.querySelectorAll('main article').length,
    document.querySelectorAll('main article :is(h1, h2, h3)').length,
]"""


def check_headings(page: Page, address: str) -> None:
    """One h1, and a heading for each kwip, for navigation by headings."""
    levels, articles, headings = page.evaluate(HEADINGS)
    assert levels.count(1) == 1, address
    assert articles == headings, address
