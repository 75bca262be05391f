"""The layout of texts in a browser, and the text that it copies."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.kwips.text import to_html

pytestmark = pytest.mark.django_db(transaction=True)

# For each line: whether its first character stands right of its last, and whether it ends at the right edge.
LINES = """() => {
  const text = document.querySelector(".kwip-text");
  const box = text.getBoundingClientRect();
  const rectangle = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  const lines = {};
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const [first, last] = [rectangle(node, 0), rectangle(node, node.data.length - 1)];
    (lines[Math.round(first.bottom / 8)] ??= []).push(first, last);
  }
  return Object.values(lines).map((characters) => {
    const left = Math.min(...characters.map((one) => one.left));
    const right = Math.max(...characters.map((one) => one.right));
    const order = characters[0].left > characters.at(-1).left ? "rtl" : "ltr";
    return [order, box.right - right < left - box.left ? "right" : "left"];
  });
}"""
# The characters of an element from left to right, as they are seen.
SEEN = """(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const seen = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let at = 0; at < node.data.length; at++) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      seen.push([range.getBoundingClientRect().left, node.data[at]]);
    }
  }
  return seen.sort((a, b) => a[0] - b[0]).map((one) => one[1]).join("");
}"""
# How far from its paragraph's edge the fifth character of the last line stands.
INDENTED = """() => {
  const paragraph = document.querySelector(".kwip-text p");
  const range = document.createRange();
  range.setStart(paragraph.lastChild, 4);
  range.setEnd(paragraph.lastChild, 5);
  return range.getBoundingClientRect().left - paragraph.getBoundingClientRect().left;
}"""
COPIED = """(selector) => {
  getSelection().selectAllChildren(document.querySelector(selector));
  return getSelection().toString();
}"""


@pytest.fixture
def written(live_server: LiveServer, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Returns a function that opens the page of a kwip with a text."""

    def open_kwip(text: str, **options: object) -> Page:
        ann = User.objects.create_user("ann", "ann@example.org")
        kwip = Kwip.objects.create(author=ann, text=text)
        page = open_page(javascript=True, **options)
        page.goto(f"{live_server.url}/ann/kwip/{kwip.pk}/")
        return page

    return open_kwip


def test_each_line_has_a_direction_of_its_own(written: Callable[..., Page]) -> None:
    page = written(
        "مرحبا بكم.\nAn English line, then this.\n@nobody שלום עולם!\nand English again.\n\nאחד\ntwo."
    )
    directions = [["rtl", "right"], ["ltr", "left"], ["rtl", "right"], ["ltr", "left"], ["rtl", "right"]]
    assert page.evaluate(LINES) == [*directions, ["ltr", "left"]]
    computed = "lines => lines.map((line) => getComputedStyle(line).direction)"
    assert page.locator(".kwip-text p > span").evaluate_all(computed) == [d for d, _ in directions] + ["ltr"]


def test_each_of_a_thousand_lines_too(written: Callable[..., Page]) -> None:
    page = written("שלום.\nEnglish.\n" * 600)
    assert page.evaluate(LINES) == [["rtl", "right"], ["ltr", "left"]] * 600


def test_names_and_addresses_are_not_mirrored_in_a_text_from_right_to_left(
    written: Callable[..., Page],
) -> None:
    page = written("@nobody https://example.com/a مرحبا @someone_else بكم")
    assert page.evaluate(LINES) == [["rtl", "right"]]
    for selector, text in (("a[href^=https]", "https://example.com/a"), ("bdi", "@nobody")):
        found = page.locator(f".kwip-text {selector}").first
        assert found.evaluate(SEEN) == text
        assert found.evaluate("element => getComputedStyle(element).direction") == "ltr"
        assert found.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.locator(".kwip-head .handle").first.evaluate(SEEN) == "@ann"


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return   1\n\tindented\n\n\nend",
        "see https://example.com/" + "x" * 200 + " there",
        "a " * 100 + "\n  b",
        "שלום\n  two\n\nאחד  שתיים",
    ],
)
def test_what_is_copied_is_what_was_written(written: Callable[..., Page], text: str) -> None:
    page = written(text, width=320)
    copied = page.evaluate(COPIED, ".kwip-text")
    # How many line feeds stand between two paragraphs is the browser's.
    paragraphs = [part for part in text.split("\n\n") if part]
    assert [part.strip("\n") for part in copied.split("\n\n") if part] == [
        part.strip("\n").rstrip() for part in paragraphs
    ]


def test_a_long_address_takes_few_lines_of_a_phone_and_indentation_is_seen(
    written: Callable[..., Page],
) -> None:
    page = written("https://example.com/" + "x" * 900 + "\n    indented", width=320)
    lines = "element => element.getClientRects().length"
    assert page.locator(".kwip-text .cut").evaluate(lines) <= 4
    assert page.locator(".kwip-text .rest").evaluate("element => element.getBoundingClientRect().width") == 0
    assert page.evaluate(INDENTED) > 10
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_language_is_told_where_it_is_certain(written: Callable[..., Page]) -> None:
    page = written("今日はいい天気")
    assert page.locator(".kwip-text").get_attribute("lang") == "ja"


def test_the_html_that_the_tests_look_at_has_no_style_of_its_own() -> None:
    assert "style=" not in to_html("https://example.com/" + "x" * 200)
