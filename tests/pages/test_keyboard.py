"""Journeys by the keyboard alone, with and without JavaScript."""

import re
import uuid
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.graph.models import Follow
from apps.kwips import actions
from apps.kwips.models import Favourite, Kwip

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]

# What is wrong with the focused element: no ring, or its middle is covered or outside the window.
UNSEEN = """() => {
    const focused = document.activeElement;
    if (focused === document.body) return null;
    const rings = [focused, focused.labels && focused.labels[0]].filter(Boolean).map(getComputedStyle);
    if (!rings.some((ring) => ring.outlineStyle !== 'none' || ring.boxShadow !== 'none')) {
        return 'no ring: ' + focused.outerHTML.slice(0, 160);
    }
    const box = focused.getBoundingClientRect();
    const seen = [[.5, .5], [.1, .2], [.9, .8]].some(([x, y]) => {
        const there = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
        return there && (focused.contains(there) || focused.labels && [...focused.labels].includes(there));
    });
    return seen ? null : 'not seen: ' + focused.outerHTML.slice(0, 160);
}"""
# Whether the focus went up the document although Tab was pressed.
WENT_BACK = """(() => {
    const [before, now] = [window.lastFocused, document.activeElement];
    window.lastFocused = now;
    return Boolean(before && before.isConnected && now !== document.body
        && before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_PRECEDING);
})()"""


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    """Ann follows Bob, who wrote two kwips; Eve wrote one."""
    people = {
        name: User.objects.create_user(name, f"{name}@example.org", "a long password")
        for name in ("ann", "bob", "eve")
    }
    EmailAddress.objects.create(user=people["ann"], email="ann@example.org", verified=True, primary=True)
    follow(follower=people["ann"], followee=people["bob"])
    for name, text in (("bob", "the plant is watered"), ("bob", "tea at four #tea"), ("eve", "hello, tea")):
        actions.publish(author=people[name], text=text, form_key=uuid.uuid4())
    return people


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on such an element; each stop on the way is seen, and in order."""
    # Comes from the body: the order is checked from the first stop of this page.
    page.evaluate("window.lastFocused = null")
    for _ in range(120):
        page.keyboard.press("Tab")
        assert page.evaluate(UNSEEN) is None, page.url
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        assert not page.evaluate(WENT_BACK), f"{page.url}: Tab went up the page"
    pytest.fail(f"{page.url}: Tab does not reach {selector}")


def enter(page: Page, selector: str, key: str = "Enter") -> None:
    tab_to(page, selector)
    page.keyboard.press(key)


@pytest.mark.asvs("7.4.4")
@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("width", [320, 1280])
def test_a_member_does_everything_by_the_keyboard(
    live_server: LiveServer, open_page: Open, people: dict[str, User], javascript: bool, width: int
) -> None:
    page = open_page(javascript=javascript, width=width)
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    page.goto(f"{live_server.url}/accounts/login/")
    if not page.evaluate("document.activeElement.matches('[name=login]')"):
        tab_to(page, "[name=login]")
    page.keyboard.type("ann")
    tab_to(page, "[name=password]")
    page.keyboard.type("a long password")
    enter(page, "main button.button[type=submit]:not(.quiet)")
    expect(page.locator("h1")).to_have_text("your network")
    publish_and_answer(page, people)
    follow_search_and_sign_out(page, live_server.url, people)


def publish_and_answer(page: Page, people: dict[str, User]) -> None:
    network = page.url
    tab_to(page, "main textarea[name=text]")
    page.keyboard.type("by the keyboard")
    enter(page, ".say button.button[type=submit]:not(.quiet)")
    expect(page.locator("main")).to_contain_text("by the keyboard")
    kwip = Kwip.objects.filter(author=people["bob"]).latest("pk")
    page.goto(network)
    enter(page, f"#kwip-{kwip.pk} .menu summary")
    expect(page.locator(f"#kwip-{kwip.pk} .menu")).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.menu') !== null")
    page.keyboard.press("Escape")
    page.goto(network)
    tab_to(page, f"#kwip-{kwip.pk} button.fave")
    with page.expect_response("**/favourite/"):
        page.keyboard.press("Space")
    expect(page.locator(f"#kwip-{kwip.pk} button.fave")).to_have_attribute("aria-pressed", "true")
    assert Favourite.objects.filter(user=people["ann"], kwip=kwip).exists()
    page.goto(network)
    enter(page, f"#kwip-{kwip.pk} a[href$='#comments']")
    expect(page).to_have_url(re.compile("#comments$"))
    tab_to(page, "#comment textarea")
    page.keyboard.type("with milk?")
    enter(page, "#comment button.button[type=submit]:not(.quiet)")
    expect(page.locator("#comments")).to_contain_text("with milk?")
    assert kwip.comments.get().author == people["ann"]


def follow_search_and_sign_out(page: Page, site: str, people: dict[str, User]) -> None:
    page.goto(f"{site}/eve/")
    tab_to(page, ".person form[action$='/follow/'] button")
    with page.expect_response("**/follow/"):
        page.keyboard.press("Enter")
    expect(page.locator(".person").first).to_contain_text("stop following")
    assert Follow.objects.filter(follower=people["ann"], followee=people["eve"]).exists()
    page.goto(f"{site}/")
    # A link on a phone, a form in the right column of a desktop.
    tab_to(page, "a.to-search, .side [name=q]")
    if page.evaluate("document.activeElement.matches('a')"):
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/")
        tab_to(page, "main [name=q]")
    page.keyboard.type("watered")
    page.keyboard.press("Enter")
    expect(page.locator("main article")).to_contain_text("the plant is watered")
    page.goto(f"{site}/accounts/logout/")
    enter(page, "main button.button[type=submit]:not(.quiet)")
    expect(page.locator("a[href^='/accounts/login/']").first).to_be_attached()
