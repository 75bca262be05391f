"""The layout of a kwip and of a letter in Chromium, in pixels."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

WIDTHS = (320, 390, 1280)
LONG_NAME = "Maximiliana Theodora von Hohenlohe-Schillingsfürst"
TEXTS = {"one": "short.", "two": "i think the heron is back, and it judged us all."}

# The heights of a kwip and of its parts, and for each action its size and the size that a finger may tap.
MEASURED = """(id) => {
    const kwip = document.getElementById(`kwip-${id}`);
    const height = (selector) => kwip.querySelector(selector).getBoundingClientRect().height;
    const text = kwip.querySelector('.kwip-text');
    const line = parseFloat(getComputedStyle(text).lineHeight);
    return {
        kwip: kwip.getBoundingClientRect().height,
        head: height('.kwip-head'),
        foot: height('.kwip-foot'),
        lines: Math.round(text.getBoundingClientRect().height / line),
        acts: [...kwip.querySelectorAll('.kwip-foot > .act, .kwip-foot summary')].map((act) => {
            const [box, tapped] = [act.getBoundingClientRect(), getComputedStyle(act, '::after')];
            return [box.height, parseFloat(tapped.height), parseFloat(tapped.width)];
        }),
    };
}"""
# The distance of the time from the handle or what stands before it, and how far anything leaves the head.
HEAD = """(id) => {
    const head = document.querySelector(`#kwip-${id} .kwip-head`);
    const [box, when] = [head.getBoundingClientRect(), head.querySelector('.when')];
    const before = when.previousElementSibling.getBoundingClientRect();
    return {
        gap: when.getBoundingClientRect().left - before.right,
        over: Math.max(...[...head.children].map((part) => part.getBoundingClientRect().right - box.right)),
        height: box.height,
    };
}"""


@pytest.fixture
def people() -> tuple[User, User]:
    return (
        User.objects.create_user("ann", "ann@example.org", "a long password", display_name=LONG_NAME),
        User.objects.create_user("b" * 30, "bob@example.org", "a long password"),
    )


def write(author: User, text: str, **fields: Any) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **fields).kwip


def test_a_kwip_is_as_high_as_its_words_and_little_more(
    live_server: LiveServer, open_page: Open, people: tuple[User, User]
) -> None:
    ann = people[0]
    kwips = {name: [write(author, text) for author in people] for name, text in TEXTS.items()}
    followers_only = write(ann, "edited", followers_only=True)
    actions.edit(kwip=followers_only, text="edited, and for followers")
    page = open_page(width=390)
    sign_in(page, ann, live_server.url)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/everyone/")
        for kwip in (*kwips["one"], *kwips["two"]):
            found = page.evaluate(MEASURED, kwip.pk)
            assert found["kwip"] <= {1: 100, 2: 126}.get(found["lines"], 160), (width, found)
            assert found["lines"] == 1 or kwip not in kwips["one"]
            assert found["foot"] <= 30, (width, found)
            assert len(found["acts"]) == (3 if kwip.author_id == ann.pk else 4)
            for seen, tapped, wide in found["acts"]:
                assert seen >= 24
                assert tapped >= 43.9
                assert wide >= 43.9
        for kwip in (kwips["one"][0], kwips["one"][1], followers_only):
            head = page.evaluate(HEAD, kwip.pk)
            assert head["height"] <= 26, (width, head)
            assert head["over"] <= 0.5, (width, head)
            assert 0 <= head["gap"] <= 8, (width, head)


def test_the_menu_of_a_kwip_works_without_script_and_is_inside_the_page(
    live_server: LiveServer, open_page: Open, people: tuple[User, User]
) -> None:
    ann, bob = people
    own, theirs = write(ann, "mine"), write(bob, "theirs")
    page = open_page(width=320, javascript=False)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/everyone/")
    menu = page.locator(f"#kwip-{theirs.pk} .menu")
    menu.locator("summary").click()
    assert menu.locator("li").all_inner_texts() == ["bookmark", "hear less of this", "report"]
    box = menu.locator("ul").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    menu.locator("summary").click()
    menu = page.locator(f"#kwip-{own.pk} .menu")
    menu.locator("summary").click()
    assert menu.locator("li").all_inner_texts() == ["bookmark", "edit", "pin it to my page", "delete"]
    menu.get_by_role("button", name="pin it to my page").click()
    assert page.locator("#pinned").is_visible()


PARAGRAPH = "the ferry left at six, and i had meant to be asleep; instead i stood at the rail with a cup. "
# The characters of each line but the last of the second paragraph.
LINES = """() => {
    const text = document.querySelectorAll('.letter .kwip-text p')[1].firstChild;
    const lines = {};
    for (let at = 0; at < text.length; at++) {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const bottom = Math.round(range.getBoundingClientRect().bottom);
        lines[bottom] = (lines[bottom] || 0) + 1;
    }
    return Object.values(lines).slice(1, -1);
}"""
SHOWN = "(selectors) => selectors.filter((one) => document.querySelector(one)?.checkVisibility())"
CHROME = [".top", ".side", ".bottom", ".kwip-foot", "#comments", ".skip"]


def test_a_letter_has_a_title_a_measure_and_no_side_column(
    live_server: LiveServer, open_page: Open, axe: Callable[..., None], people: tuple[User, User]
) -> None:
    ann, bob = people
    letter = write(bob, "\n\n".join(["the ferry", PARAGRAPH * 5, PARAGRAPH * 12]))
    plain = write(bob, "a kwip of no length")
    page = open_page(width=1280)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/{bob.username}/kwip/{plain.pk}/")
    assert page.locator(".letter").count() == 0
    assert page.locator("h1").inner_text().startswith("a kwip by")
    page.goto(f"{live_server.url}/{bob.username}/kwip/{letter.pk}/")
    assert page.locator("h1").all_inner_texts() == ["the ferry"]
    assert page.locator(".letter .kwip-text p").count() == 2
    assert page.locator(".kwip-head").inner_text().endswith("a letter, 2 minutes")
    lines = page.evaluate(LINES)
    assert len(lines) > 5
    # By the fonts of the machine: a wide one has fewer.
    assert 52 <= sum(lines) / len(lines) <= 72, lines
    assert page.evaluate(SHOWN, [".side"]) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN, CHROME) == []
    paper = page.locator(".on-paper")
    assert paper.is_visible()
    assert paper.inner_text().endswith(f"/{bob.username}/kwip/{letter.pk}/")
    content = page.evaluate("getComputedStyle(document.querySelector('.when time'), '::after').content")
    assert "20" in content, "the date, not how long ago"
