"""The keyboard, in Chromium: what each key does, where none does anything, and the switch in the settings."""

import re
import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.browser import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def kwips(ann: User) -> list[Kwip]:
    """Of bob, whom ann follows; the newest first. The newest one has a comment."""
    bob = User.objects.create_user("bob", "bob@example.org")
    follow(follower=ann, followee=bob)
    written = [
        actions.publish(author=bob, text=f"tea {number}", form_key=uuid.uuid4()).kwip for number in range(3)
    ]
    actions.comment(author=bob, thread=written[-1], text="with milk", form_key=uuid.uuid4())
    return written[::-1]


@pytest.fixture
def member(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


@pytest.fixture
def page(live_server: LiveServer, open_page: OpenPage, member: Client, kwips: list[Kwip]) -> Page:
    """Of ann, on her network."""
    page = open_page()
    cookie = member.cookies[django_settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.goto(live_server.url)
    return page


def card(page: Page, kwip: Kwip):
    return page.locator(f"#kwip-{kwip.pk}")


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_keys_walk_open_and_mark_the_kwip_that_is_selected(page: Page, kwips: list[Kwip]) -> None:
    newest, second, _oldest = kwips
    # Two keys before the script of the keys is there: both count.
    press(page, "jj")
    expect(card(page, second)).to_be_focused()
    press(page, "k")
    expect(card(page, newest)).to_be_focused()
    heart = card(page, newest).locator(".fave")
    press(page, "f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("in your favourites now")
    expect(card(page, newest)).to_be_focused()
    press(page, "f")
    expect(heart).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_have_text("no longer a favourite")
    # A key that is held down marks once.
    card(page, newest).evaluate(
        """(kwip) => { for (const repeat of [false, true, true]) kwip.dispatchEvent(
        new KeyboardEvent("keydown", { key: "f", code: "KeyF", repeat, bubbles: true })); }"""
    )
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("in your favourites now")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/bob/kwip/{newest.pk}/")
    # On its own page the kwip needs no selection.
    press(page, "f")
    expect(card(page, newest).locator(".fave")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_have_text("no longer a favourite")


def test_keys_lead_to_what_one_writes_and_to_search(page: Page, kwips: list[Kwip]) -> None:
    newest, address = kwips[0], page.url
    press(page, "n")
    box = page.locator('form[action="/kwip/"] textarea')
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    # A key that is typed is a letter.
    press(page, "jfcn/?")
    expect(box).to_have_value("jfcn/?")
    box.fill("")
    box.blur()
    press(page, "/")
    expect(page.locator("#side-q")).to_be_focused()
    expect(page.locator("#side-q")).to_have_value("")
    page.locator("#side-q").blur()
    press(page, "jc")
    page.wait_for_url(f"**/bob/kwip/{newest.pk}/#comment")
    expect(page.locator("#comment textarea")).to_be_focused()
    page.keyboard.type("more tea")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said")).to_have_count(2)
    page.reload()
    page.keyboard.press("Tab")
    press(page, "c")
    expect(page.locator("#comment textarea")).to_be_focused()
    page.locator("#comment textarea").blur()
    press(page, "n")
    page.wait_for_url("**/kwip/")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(address)
    # Where the field of search is not shown, its page is.
    press(page, "/")
    page.wait_for_url("**/search/")


def test_the_help_is_a_dialog_that_gives_the_focus_back(page: Page, kwips: list[Kwip], axe) -> None:
    size = page.evaluate("document.querySelectorAll('script').length")
    press(page, "j")
    expect(card(page, kwips[0])).to_be_focused()
    assert page.evaluate("document.querySelectorAll('script').length") == size + 1
    dialog = page.get_by_role("dialog", name="what each key does")
    for close in ("Escape", "Enter"):  # the button has the focus
        press(page, "?")
        expect(dialog).to_be_visible()
        expect(dialog.locator("kbd").first).to_have_text("j")
        # No key reaches the page below.
        press(page, "jfn/?")
        expect(dialog).to_have_count(1)
        axe(page)
        page.keyboard.press(close)
        expect(dialog).to_be_hidden()
        expect(card(page, kwips[0])).to_be_focused()
    expect(card(page, kwips[0]).locator(".fave")).to_have_attribute("aria-pressed", "false")


def test_no_key_does_anything_with_another_one_or_in_an_open_menu(page: Page, kwips: list[Kwip]) -> None:
    address = page.url
    press(page, "j")
    newest = card(page, kwips[0])
    expect(newest).to_be_focused()
    for modifier in ("Control", "Alt", "Meta"):
        newest.evaluate(
            """(kwip, modifier) => { for (const key of ["j", "f", "c", "n", "/", "?"]) kwip.dispatchEvent(
            new KeyboardEvent("keydown", { key, [modifier]: true, bubbles: true, cancelable: true })); }""",
            f"{modifier.lower().replace('control', 'ctrl')}Key",
        )
    expect(newest).to_be_focused()
    newest.locator(".menu summary").press("Enter")
    press(page, "jfcn/?")
    expect(newest.locator(".menu summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(newest.locator(".fave")).to_have_attribute("aria-pressed", "false")
    assert page.locator("dialog").count() == 0
    assert page.url == address
    # Enter on a link follows that link.
    newest.locator(".kwip-by a").press("Enter")
    page.wait_for_url("**/bob/")


def test_a_keyboard_with_other_letters_has_the_same_keys(page: Page, kwips: list[Kwip]) -> None:
    press(page, "j")
    expect(card(page, kwips[0])).to_be_focused()
    say = "(kwip, key) => kwip.dispatchEvent(new KeyboardEvent('keydown', { ...key, bubbles: true }))"
    # Cyrillic: the place of "j". A Dvorak layout: the letter, wherever it is.
    card(page, kwips[0]).evaluate(say, {"key": "о", "code": "KeyJ"})
    expect(card(page, kwips[1])).to_be_focused()
    card(page, kwips[1]).evaluate(say, {"key": "j", "code": "KeyC"})
    expect(card(page, kwips[2])).to_be_focused()
    # German: shift and 7.
    card(page, kwips[2]).evaluate(say, {"key": "/", "code": "Digit7", "shiftKey": True})
    expect(page.locator("#side-q")).to_be_focused()


def test_a_member_switches_single_keys_off_and_on_again(
    live_server: LiveServer, page: Page, kwips: list[Kwip], ann: User
) -> None:
    for is_on in (False, True):
        page.goto(f"{live_server.url}/settings/keys/")
        box = page.get_by_role("checkbox", name="single keys do something")
        expect(box).to_be_checked(checked=not is_on)
        box.set_checked(is_on)
        page.get_by_role("button", name="save").click()
        expect(page.locator("main [role=status]")).to_have_text("saved.")
        expect(box).to_be_checked(checked=is_on)
        assert User.objects.get(pk=ann.pk).has_shortcuts == is_on
        page.goto(live_server.url)
        # Ctrl and Enter are no single key.
        page.locator('form[action="/kwip/"] textarea').fill(f"said {is_on}")
        page.locator('form[action="/kwip/"] textarea').press("Control+Enter")
        expect(page.locator(".kwip").first).to_contain_text(f"said {is_on}")
        page.goto(live_server.url)
        press(page, "j?")
        if is_on:
            expect(page.get_by_role("dialog")).to_be_visible()
        else:
            page.wait_for_function("() => !!window.kwippy.press")
            press(page, "j?f/")
            assert page.evaluate("document.activeElement === document.body")
            assert page.locator("dialog").count() == 0


def test_a_visitor_has_the_keys_and_a_switch_in_this_browser(
    live_server: LiveServer, open_page: OpenPage, kwips: list[Kwip]
) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/bob/")
    press(page, "jfn")
    expect(card(page, kwips[0])).to_be_focused()
    page.get_by_role("contentinfo").get_by_role("link", name="keys").click()
    page.wait_for_url("**/about/keys/")
    page.get_by_role("checkbox").uncheck()
    page.goto(f"{live_server.url}/bob/")
    press(page, "j")
    page.wait_for_function("() => !!window.kwippy.press")
    press(page, "j")
    assert page.evaluate("document.activeElement === document.body")
    page.goto(f"{live_server.url}/about/keys/")
    page.get_by_role("checkbox").check()
    page.goto(f"{live_server.url}/bob/")
    press(page, "j")
    expect(card(page, kwips[0])).to_be_focused()


def test_the_keys_are_a_page_without_script(member: Client, client: Client) -> None:
    for visitor in (member, client):
        page = visitor.get("/about/keys/").content.decode()
        assert re.findall(r"<kbd>(.*?)</kbd>", page) == [
            "j",
            "k",
            "enter",
            "f",
            "c",
            "n",
            "/",
            "?",
            "ctrl",
            "enter",
        ]
        assert ("/settings/keys/" in page) == (visitor is member)
        assert ("data-shortcuts" in page) == (visitor is client)
    assert client.get("/settings/keys/").status_code == 302


def test_the_switch_has_a_limit_and_is_on_each_page_at_once(
    member: Client, ann: User, settings: pytest.FixtureRequest
) -> None:
    settings.LIMITS = settings.LIMITS | {"profile": "1/1h"}  # type: ignore[attr-defined]
    pages = ("/", "/everyone/", "/ann/", "/settings/")
    assert not any(b'data-keys="off"' in member.get(path).content for path in pages)
    assert member.post("/settings/keys/", {}).status_code == 302
    assert all(b'data-keys="off"' in member.get(path).content for path in pages)
    assert member.post("/settings/keys/", {"has_shortcuts": "on"}).status_code == 429
    assert not User.objects.get(pk=ann.pk).has_shortcuts
