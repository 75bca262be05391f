"""Accessibility that axe does not check: zoom, large text, visible focus, times in words."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.muting import mute_conversation
from apps.kwips.models import Kwip
from tests.pages.test_pages import ann, sign_in

__all__ = ["ann"]
pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

# Elements with a word that is broken across lines without a hyphen.
BROKEN = """[...document.querySelectorAll('.nav a, .tabs a, .button')].filter((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 1);
    const lines = new Set(boxes.map((box) => Math.round(box.bottom / 8)));
    return lines.size > element.textContent.trim().split(/\\s+/).length + 1;
}).map((element) => element.textContent.trim())"""

# Whether a part of the focused element is visible: not all corners and the middle are covered.
HIDDEN = """(() => {
    const focused = document.activeElement;
    if (focused === document.body) return null;
    const box = focused.getBoundingClientRect();
    const places = [[.5, .5], [.1, .1], [.9, .1], [.1, .9], [.9, .9]];
    const seen = places.some(([x, y]) => {
        const there = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
        return there && (focused.contains(there) || there.contains(focused) && !there.closest('.nav'));
    });
    return seen ? null : focused.outerHTML.slice(0, 120);
})()"""


@pytest.mark.parametrize("member", [False, True], ids=["visitor", "member"])
def test_at_400_percent_the_header_leaves_room_and_no_word_is_broken(
    live_server: LiveServer, open_page: Open, ann: User, member: bool
) -> None:
    page = open_page(width=320)
    page.set_viewport_size({"width": 320, "height": 256})
    if member:
        sign_in(page, ann, live_server.url)
    for path in ("/", "/everyone/", "/bob/", "/about/"):
        page.goto(live_server.url + path)
        height = page.evaluate("document.querySelector('.top').getBoundingClientRect().height")
        assert height <= 142, path
        assert page.evaluate(BROKEN) == [], path


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("member", [False, True], ids=["visitor", "member"])
def test_with_text_of_twice_the_size_no_word_is_broken_and_nothing_is_cut_off(
    live_server: LiveServer, open_page: Open, ann: User, member: bool, width: int
) -> None:
    page = open_page(width=width)
    if member:
        sign_in(page, ann, live_server.url)
    for path in ("/", "/everyone/", "/bob/", "/about/"):
        page.goto(live_server.url + path)
        # Like the browser's setting: all sizes are relative to the root's.
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert page.evaluate(BROKEN) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0 or width == 320, f"{path} is {wide} pixels wider than the screen"


def test_whatever_has_the_focus_is_seen(live_server: LiveServer, open_page: Open, ann: User) -> None:
    page = open_page(width=320)
    page.set_viewport_size({"width": 320, "height": 700})
    sign_in(page, ann, live_server.url)
    for path in ("/", "/bob/", "/settings/"):
        page.goto(live_server.url + path)
        hidden = []
        for _ in range(100):
            page.keyboard.press("Tab")
            hidden.append(page.evaluate(HIDDEN))
        assert [what for what in hidden if what] == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_main_button_of_the_landing_page_stands_out(
    live_server: LiveServer, open_page: Open, ann: User, scheme: str
) -> None:
    page = open_page(scheme=scheme)
    page.goto(live_server.url)
    ratio = page.evaluate("""() => {
        const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        const light = (color) => {
            canvas.fillStyle = color;
            canvas.fillRect(0, 0, 1, 1);
            const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
                const share = value / 255;
                return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        };
        const of = (selector) => light(getComputedStyle(document.querySelector(selector)).backgroundColor);
        const [low, high] = [of('.hero'), of('.hero .button:not(.quiet)')].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    }""")
    assert ratio >= 4.5


def test_the_settings_show_ones_picture_on_a_phone(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/settings/")
    expect(page.locator("main .avatar-l")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_an_alert_has_the_focus_and_the_title_says_error(
    live_server: LiveServer, open_page: Open, ann: User, javascript: bool
) -> None:
    page = open_page(javascript=javascript)
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("[name=login]", "ann")
    page.fill("[name=password]", "wrong")
    page.click("main button[type=submit]")
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.title().startswith("error: ")


def test_times_say_their_zone_and_with_script_are_the_readers(
    live_server: LiveServer, open_page: Open, browser: Browser, ann: User
) -> None:
    User.objects.get(username="ann").kwips.update(created_at="2026-01-31T23:30:00Z")
    plain = open_page(javascript=False)
    plain.goto(f"{live_server.url}/ann/")
    sign_in(plain, ann, live_server.url)
    plain.goto(f"{live_server.url}/ann/")
    expect(plain.locator(".kwip time").first).to_have_text("31 jan 2026, 23:30 utc")
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/ann/")
    expect(page.locator(".kwip time").first).to_have_text(re.compile("^1 feb( 2026)?$"))
    expect(page.locator(".kwip time").first).to_have_attribute("title", "Sunday, 1 February 2026 at 08:30")
    context.close()


def test_a_menu_closes_by_escape_and_the_keys_pass_a_folded_kwip(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    last, folded, first = Kwip.objects.filter(author__username="bob", thread=None).order_by("-pk")[:3]
    mute_conversation(muter=ann, kwip_id=folded.pk, ends_at=None, is_muffled=True)
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/everyone/")
    menu = page.locator(f"#kwip-{last.pk} .menu")
    menu.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past the bookmark
    expect(menu.get_by_role("link", name="hear less of this")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    expect(page.locator(f"#kwip-{folded.pk}")).not_to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(f"#kwip-{first.pk}")).to_be_focused()
