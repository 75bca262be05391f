"""The frame of pages in Chromium: header, bar, composer, the top of a list, what blocks the first paint."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from playwright.sync_api import FloatRect, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.feeds import looks
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.pages.test_accessibility import BROKEN, HIDDEN
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

TREE = Path(__file__).with_name("network.aria.yml")
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
ZOOMED: ViewportSize = {"width": 320, "height": 256}
TOP = "Math.round(document.querySelector('.timeline .kwip').getBoundingClientRect().top)"
BAR = ".nav a:visible"
FIELD, SEND = ".say textarea", ".say .actions > button"


def say(author: User, text: str = "tea at four?") -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4()).kwip


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann, bob, cee = (
        User.objects.create_user(name, f"{name}@example.org", "a long password")
        for name in ("ann", "bob", "cee")
    )
    for person in (bob, cee):
        follow(follower=ann, followee=person)
        for _ in range(6):
            say(person)
    return ann


def height(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box
    return box["height"]


def wider(page: Page) -> int:
    """By how much the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_a_phone_has_a_low_header_a_bar_of_five_and_the_first_kwip_near_the_top(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page(width=390)
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/everyone/")
    assert height(page, ".top") == 48, "of a visitor"
    sign_in(page, ann, live_server.url)
    page.goto(live_server.url)
    assert height(page, ".top") == 48
    words = ["network", "find", "write a kwip", "notices", "you"]
    assert [text.strip() for text in page.locator(BAR).all_inner_texts()] == words
    assert all(min(box["width"], box["height"]) >= 44 for box in boxes(page, BAR))
    assert page.evaluate(TOP) <= 200
    assert height(page, FIELD) == 44
    for path in ("/", "/bob/", "/messages/"):
        page.goto(live_server.url + path)
        stops = []
        for _ in range(60):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(HIDDEN))
        assert [stop for stop in stops if stop] == [], path
    for width in (320, 700):
        page.set_viewport_size({"width": width, "height": 700})
        assert len(page.locator(BAR).all()) == 5
        assert wider(page) <= 0


def boxes(page: Page, selector: str) -> list[FloatRect]:
    found = [one.bounding_box() for one in page.locator(selector).all()]
    return [box for box in found if box]


def test_at_400_percent_the_header_is_low_and_no_word_is_broken(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page(width=320)
    page.set_viewport_size(ZOOMED)
    sign_in(page, ann, live_server.url)
    page.goto(live_server.url)
    assert height(page, ".top") <= 142
    assert page.evaluate(BROKEN) == []
    assert wider(page) <= 0
    assert all(min(box["width"], box["height"]) >= 24 for box in boxes(page, BAR))


def test_a_desktop_has_two_columns_on_lists_and_one_on_forms(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    page.set_viewport_size(DESKTOP)
    sign_in(page, ann, live_server.url)
    page.goto(live_server.url)
    words = ["network", "everyone", "write a kwip", "notices", "messages", "you"]
    assert [text.strip() for text in page.locator(BAR).all_inner_texts()] == words
    assert page.evaluate(TOP) <= 240
    side = page.locator(".side").bounding_box()
    assert side
    assert (side["width"], side["y"] < 240) == (272, True)
    for path in ("/settings/", "/kwip/", "/messages/", "/contact/"):
        page.goto(live_server.url + path)
        expect(page.locator(".side")).to_have_count(0)
        sheet = page.locator("main").bounding_box()
        assert sheet
        # In the middle, beside the place of the scroll bar.
        assert abs(sheet["x"] * 2 + sheet["width"] - 1280) <= 20, path
    for width in (704, 820, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(live_server.url)
        assert wider(page) <= 0, width
        assert height(page, ".top") == 64, width


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_the_composer_is_one_line_that_opens_and_closes_over_no_text(
    live_server: LiveServer, open_page: Open, ann: User, javascript: bool
) -> None:
    page = open_page(javascript=javascript, width=390)
    sign_in(page, ann, live_server.url)
    page.goto(live_server.url)
    expect(page.locator(SEND)).to_be_hidden()
    page.locator(FIELD).focus()
    expect(page.locator(SEND)).to_be_visible()
    page.keyboard.type("half a thought")
    page.locator("h1").click()
    expect(page.locator(SEND)).to_be_visible()
    if javascript:
        page.goto(f"{live_server.url}/about/")
        page.goto(live_server.url)
        expect(page.locator(FIELD)).to_have_value("half a thought")
        expect(page.locator(SEND)).to_be_visible()
    page.locator(FIELD).fill("")
    # The form stays while any part of it has the focus, by a press or a key.
    page.locator(".say .form > .actions").click(position={"x": 2, "y": 2})
    page.keyboard.press("Tab")  # "···"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("h1").click()
    expect(page.locator(SEND)).to_be_visible()
    page.get_by_label("only for my followers").uncheck()
    page.locator("h1").click()
    expect(page.locator(SEND)).to_be_hidden()
    page.locator(FIELD).focus()
    page.keyboard.type("a whole one")
    page.locator(SEND).click()
    expect(page.locator(".kwip").first).to_contain_text("a whole one")


def test_the_faces_of_those_who_wrote_lead_to_their_newest_kwip(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page(width=390)
    page.set_viewport_size(PHONE)
    sign_in(page, ann, live_server.url)
    page.goto(live_server.url)
    faces = page.get_by_role("list", name="who wrote since you last looked").get_by_role("link")
    expect(faces).to_have_count(0)
    bob, cee = User.objects.get(username="bob"), User.objects.get(username="cee")
    for author in (bob, cee, bob, ann):
        newest = say(author)
    newest = Kwip.objects.filter(author=bob).latest("pk")
    page.goto(live_server.url)
    expect(faces).to_have_text(["bob", "cee"])
    assert page.evaluate(TOP) <= 260
    assert all(box["height"] >= 44 for box in boxes(page, ".writers a"))
    faces.first.click()
    expect(page).to_have_url(f"{live_server.url}/bob/kwip/{newest.pk}/")
    page.goto(live_server.url)
    expect(faces).to_have_text(["bob", "cee"])
    with patch.object(looks, "VISIT", -1):
        page.goto(live_server.url)
    expect(faces).to_have_count(0)


def test_one_style_sheet_and_nothing_else_is_asked_for_before_the_first_paint(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    for path in ("/", "/nothing/here/"):
        page.goto(live_server.url + path)
        blocking = page.evaluate(
            "performance.getEntriesByType('resource')"
            ".filter((one) => one.renderBlockingStatus === 'blocking').map((one) => one.name)"
        )
        assert blocking == [f"{live_server.url}/static/css/kwippy.css"], path
        assert page.evaluate("document.styleSheets.length") == 1
        assert "@import" not in page.request.get(blocking[0]).text()


def test_the_accessibility_tree_of_a_network_is_the_one_that_is_checked_in(
    live_server: LiveServer, open_page: Open
) -> None:
    """As `network.aria.yml` has it: landmarks, headings, a list of articles, and the name of each control."""
    dee, eli = (
        User.objects.create_user(name, f"{name}@example.org", "a long password") for name in ("dee", "eli")
    )
    follow(follower=dee, followee=eli)
    kwip = say(eli)
    actions.comment(author=dee, thread=kwip, text="gladly", form_key=uuid.uuid4())
    say(dee, "a kwip of my own #tea")
    page = open_page()
    sign_in(page, dee, live_server.url)
    page.goto(live_server.url)
    tree = re.sub(r"/kwip/\d+/", "/kwip/1/", page.locator("body").aria_snapshot())
    assert re.sub(r"\d+ min\. ago", "now", tree) + "\n" == TREE.read_text()
