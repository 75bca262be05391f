"""The conversation below a kwip in Chromium: heights and sides, where it opens, what stays in reach."""

import gzip
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.models import Block, Mute
from apps.kwips import actions, tracking
from apps.kwips.models import Kwip, Withheld
from apps.kwips.visibility import Visible
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

TREE = Path(__file__).with_name("conversation.aria.yml")
PHONE = 390
LONG = "i keep one biscuit back for the dog and then eat it myself. " * 40
# Of each comment: its height, and how far its bubble is from both ends of the list.
BOXES = """() => [...document.querySelectorAll('.talk > li:not(.new-since)')].map((li) => {
    const [row, bubble] = [li, li.querySelector('.said-words')].map((one) => one.getBoundingClientRect());
    return [li.className, row.height, bubble.left - row.left, row.right - bubble.right];
})"""
# Focusable elements that no part of the window shows when they have the focus.
HIDDEN = """(() => {
    const focused = document.activeElement;
    const box = focused.getBoundingClientRect();
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const opaque = (one) => !one || (getComputedStyle(one).opacity !== '0' && opaque(one.parentElement));
    return focused === document.body || (there && focused.contains(there) && opaque(focused));
})()"""


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    return {name: User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob", "eve")}


@pytest.fixture
def kwip(people: dict[str, User]) -> Kwip:
    """Ann's kwip."""
    return actions.publish(author=people["ann"], text="what do you do each day?", form_key=uuid.uuid4()).kwip


def say(kwip: Kwip, author: User, text: str = "same", *, minutes: int = 60) -> Kwip:
    """A comment, so many minutes after those before it."""
    last = Kwip.objects.filter(thread=kwip).order_by("pk").last()
    made = actions.comment(author=author, thread=kwip, text=text, form_key=uuid.uuid4()).kwip
    written = (last.created_at if last else timezone.now() - timedelta(days=9)) + timedelta(minutes=minutes)
    Kwip.objects.filter(pk=made.pk).update(created_at=written)
    return Kwip.objects.get(pk=made.pk)


def on_phone(open_page: Open, **options: object) -> Page:
    page = open_page(width=PHONE, **options)
    page.set_viewport_size({"width": PHONE, "height": 844})
    return page


def address(live_server: LiveServer, kwip: Kwip) -> str:
    return f"{live_server.url}/ann/kwip/{kwip.pk}/"


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_a_line_is_low_the_next_one_of_the_same_person_lower_and_the_host_on_the_other_side(
    live_server: LiveServer, open_page: Open, people: dict[str, User], kwip: Kwip, width: int
) -> None:
    for name, minutes in (("bob", 60), ("bob", 1), ("bob", 11), ("ann", 1), ("ann", 9), ("eve", 1)):
        say(kwip, people[name], minutes=minutes)
    page = open_page(width=width)
    sign_in(page, people["eve"], live_server.url)
    page.goto(address(live_server, kwip))
    boxes = page.evaluate(BOXES)
    assert [css for css, *_ in boxes] == ["", "joined", "", "host", "host joined", ""]
    for css, height, before, after in boxes:
        assert height <= (46 if "joined" in css else 64), (css, height)
        assert (after < before) == ("host" in css)
    page.evaluate("document.documentElement.dir = 'rtl'")
    for css, _, left, right in page.evaluate(BOXES):
        assert (left < right) == ("host" in css), "from right to left"


@pytest.mark.parametrize("javascript", [True, False])
def test_the_box_is_in_reach_is_one_line_and_opens(
    live_server: LiveServer, open_page: Open, people: dict[str, User], kwip: Kwip, javascript: bool
) -> None:
    for _ in range(30):
        say(kwip, people["bob"])
    page = on_phone(open_page, javascript=javascript)
    sign_in(page, people["eve"], live_server.url)
    page.goto(address(live_server, kwip))
    field = page.get_by_role("textbox", name="what would you say to ann?")
    assert page.locator("main textarea").count() == 1
    for comment in (0, 15, 29):
        page.locator(".talk > li").nth(comment).scroll_into_view_if_needed()
        box, bar = field.bounding_box(), page.locator(".nav").bounding_box()
        assert box
        assert bar
        assert box["height"] <= 48
        gap = bar["y"] - (box["y"] + box["height"])
        assert 0 <= gap <= (16 if comment < 29 else 844), "just above the bar, or below the last comment"
    send = page.get_by_role("button", name="comment", exact=True)
    expect(send).to_be_hidden()
    field.fill("i water the plant")
    expect(send).to_be_visible()
    height = "box => box.getBoundingClientRect().height"
    with_focus = page.locator(".talk-box").evaluate(height)
    page.locator("#talk").click()
    assert page.locator(".talk-box").evaluate(height) == with_focus, "a button that moves misses its click"
    send.click()
    expect(page.get_by_role("status").filter(has_text="said.").first).to_be_attached()
    made = Kwip.objects.filter(thread=kwip).latest("pk")
    expect(page).to_have_url(re.compile(f"#kwip-{made.pk}$"))
    expect(page.locator(f"#kwip-{made.pk}")).to_be_in_viewport()


def test_it_opens_at_the_first_unseen_comment_and_the_newest_is_one_click_away(
    live_server: LiveServer, open_page: Open, people: dict[str, User], kwip: Kwip
) -> None:
    """On whichever page they are, without script."""
    made = [say(kwip, people["bob"]).pk for _ in range(110)]
    tracking.set_tracking(kwip=kwip, user=people["eve"], is_on=True)
    tracked = tracking.tracked(kwip, people["eve"])
    tracking.see(kwip=kwip, user=people["eve"], tracked=tracked, newest=Visible(made[69]))
    page = on_phone(open_page, javascript=False)
    sign_in(page, people["eve"], live_server.url)
    # As the links of the network do.
    page.goto(f"{address(live_server, kwip)}#comments")
    rule = page.locator("#new")
    expect(rule).to_be_in_viewport()
    expect(rule).to_contain_text("new since")
    first = page.locator("#new + li article")
    expect(first).to_have_id(f"kwip-{made[70]}")
    expect(first).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="to the newest").click()
    newest = page.locator(f"#kwip-{made[-1]}")
    expect(newest).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_comments_of_all_kinds_look_right(
    live_server: LiveServer,
    open_page: Open,
    axe: Callable[..., None],
    people: dict[str, User],
    kwip: Kwip,
    width: int,
    scheme: str,
) -> None:
    """Folded, held, hidden, deleted, of a blocked person; long ones, other scripts, long words."""
    eve = people["eve"]
    muffled, blocked = (User.objects.create_user(name, f"{name}@example.org") for name in ("mum", "bad"))
    say(kwip, people["bob"])
    folded, unseen = say(kwip, muffled, "noise"), say(kwip, blocked, "unseen words")
    held, hidden = say(kwip, eve, "held"), say(kwip, eve, "hidden", minutes=1)
    Kwip.objects.filter(pk=held.pk).update(withheld=Withheld.HELD)
    Kwip.objects.filter(pk=hidden.pk).update(withheld=Withheld.HIDDEN)
    gone = say(kwip, eve, "a deleted one")
    actions.delete(kwip=gone)
    for author, text in (("ann", "صباح الخير @bob\nhello"), ("bob", LONG), ("ann", "x" * 300)):
        said = say(kwip, people[author], text)
        actions.favourite(kwip=said, user=people["bob"])
    actions.edit(kwip=said, text="x" * 301)
    Mute.objects.create(muter=eve, muted=muffled, is_muffled=True)
    Block.objects.create(blocker=eve, blocked=blocked)
    page = open_page(width=width, scheme=scheme)
    sign_in(page, eve, live_server.url)
    page.goto(address(live_server, kwip))
    expect(page.locator(f"#kwip-{folded.pk}")).to_be_hidden()
    page.get_by_text("something by mum").click()
    expect(page.locator(f"#kwip-{folded.pk} .said-words")).to_be_visible()
    assert page.locator(f"#kwip-{unseen.pk}, #kwip-{gone.pk}").count() == 0
    expect(page.locator(f"#kwip-{held.pk}")).to_contain_text("waits for a moderator")
    expect(page.locator(f"#kwip-{hidden.pk}")).to_contain_text("a moderator hid it")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    axe(page)
    page.locator("#comments").evaluate("section => section.scrollIntoView()")
    for _ in range(45):
        page.keyboard.press("Tab")
        assert page.evaluate(HIDDEN), page.evaluate("document.activeElement.outerHTML")


def test_the_menu_has_the_rest_and_the_heart_comes_with_it(
    live_server: LiveServer, open_page: Open, people: dict[str, User], kwip: Kwip
) -> None:
    """Each is reached by the keyboard, and by a finger, which does not hover."""
    theirs, own = say(kwip, people["bob"]), say(kwip, people["eve"])
    page = on_phone(open_page)
    sign_in(page, people["eve"], live_server.url)
    page.goto(address(live_server, kwip))
    for comment, items in (
        (theirs, ["answer", "bookmark", "hear less of this", "report", "link to this"]),
        (own, ["answer", "bookmark", "edit", "delete", "link to this"]),
    ):
        said = page.locator(f"#kwip-{comment.pk}")
        heart = said.get_by_role("button", name="favourite")
        assert heart.evaluate("heart => getComputedStyle(heart).opacity") == "0"
        said.locator("summary").click()
        assert [item.strip() for item in said.locator(".menu li").all_inner_texts()] == items
        expect(heart).to_have_css("opacity", "1")
        page.keyboard.press("Escape")
        page.mouse.move(0, 0)
    page.locator(f"#kwip-{theirs.pk} summary").click()
    page.locator(f"#kwip-{theirs.pk}").get_by_role("link", name="answer").click()
    expect(page.locator("#id_text")).to_be_focused()
    expect(page.locator("#id_text")).to_have_value("@bob ")


def test_a_screen_reader_gets_a_list_of_articles_with_headings(
    live_server: LiveServer, open_page: Open, people: dict[str, User], kwip: Kwip
) -> None:
    """The accessibility tree; a change of it is a change of this file."""
    seen = say(kwip, people["bob"], "i water the plant in the stairwell.")
    say(kwip, people["ann"], "which plant?")
    say(kwip, people["ann"], "صباح الخير", minutes=1)
    say(kwip, people["bob"], "#plants, @ann")
    tracking.set_tracking(kwip=kwip, user=people["eve"], is_on=True)
    tracked = tracking.tracked(kwip, people["eve"])
    tracking.see(kwip=kwip, user=people["eve"], tracked=tracked, newest=Visible(seen.pk))
    page = open_page()
    sign_in(page, people["eve"], live_server.url)
    page.goto(address(live_server, kwip))
    tree = page.locator("#comments").aria_snapshot()
    times = r"(?:\d+ \w+(?: \d{4})?, )?\d\d:\d\d|(?<=[ \"])\d+ [a-z]{3}(?: \d{4})?(?=[\n\"])"
    tree = re.sub(times, "a while ago", tree)
    tree = re.sub(r"/kwip/\d+/", "/kwip/1/", tree)
    assert tree + "\n" == TREE.read_text()


def test_a_page_of_fifty_comments_is_light(people: dict[str, User], kwip: Kwip) -> None:
    """HTML, style sheets and scripts together, compressed, for a visitor; the HTML for a member."""
    words = [
        "the",
        "water",
        "plant",
        "stairs",
        "mine",
        "lift",
        "good",
        "morning",
        "door",
        "shut",
        "twice",
        "once",
        "more",
        "luck",
        "dog",
        "rain",
        "lamp",
        "tea",
    ]
    for number in range(50):
        text = " ".join(words[(number * 7 + place * (number + 3)) % len(words)] for place in range(12))
        say(kwip, people[("ann", "bob", "eve")[number % 3]], text)
    visitor, member = Client(), Client()
    member.force_login(people["eve"])
    html = visitor.get(f"/ann/kwip/{kwip.pk}/").content
    assert html.count(b"<article") == 51
    links = re.findall(rb'(?:rel="stylesheet" href|src)="/static/([^"]*\.(?:css|js))"', html)
    files = {re.sub(r"\.[0-9a-f]{12}\.", ".", name.decode()) for name in links}
    parts = [html, *(Path(str(finders.find(name))).read_bytes() for name in sorted(files))]
    assert len(parts) > 2
    assert sum(len(gzip.compress(part)) for part in (html, b"".join(parts[1:]))) <= 25_000
    assert len(gzip.compress(member.get(f"/ann/kwip/{kwip.pk}/").content)) <= 12_500
