"""What happens in place, in Chromium. Each failure keeps what was typed, and says what went wrong.

The same without JavaScript: `test_the_same_is_reached_without_script`.
"""

import re
import uuid
from collections.abc import Callable

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.feeds.queries import PAGE_SIZE
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.browser import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "A sentence about tea. " * 60


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann = User.objects.create_user("ann", "ann@example.org")
    bob = User.objects.create_user("bob", "bob@example.org")
    follow(follower=ann, followee=bob)
    return User.objects.get(pk=ann.pk)


@pytest.fixture
def bob(ann: User) -> User:
    return User.objects.get(username="bob")


def sign_in(page: Page, live_server: LiveServer, user: User) -> Page:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return page


@pytest.fixture
def page(live_server: LiveServer, open_page: OpenPage, ann: User) -> Page:
    return sign_in(open_page(width=390), live_server, ann)


@pytest.fixture
def plain(live_server: LiveServer, open_page: OpenPage, ann: User) -> Page:
    """Without JavaScript."""
    return sign_in(open_page(width=390, javascript=False), live_server, ann)


def write(author: User, text: str = "tea") -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4()).kwip


def heart_of(page: Page, kwip: Kwip):
    return page.locator(f"#kwip-{kwip.pk} .fave")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_older_kwips_are_appended_under_their_address_to_the_end(
    live_server: LiveServer, page: Page, bob: User
) -> None:
    kwips = [write(bob, f"tea number {number}") for number in range(2 * PAGE_SIZE + 5)][::-1]
    page.goto(f"{live_server.url}/about/")
    page.goto(live_server.url)
    cards, older = page.locator(".h-feed .kwip"), page.locator(".pager [rel=next]")
    address = older.get_attribute("href")
    page.evaluate("window.isTheSame = true")
    older.click()
    expect(cards).to_have_count(2 * PAGE_SIZE)
    assert page.url == f"{live_server.url}/{address}"
    assert focused(page) == f"kwip-{kwips[PAGE_SIZE].pk}"
    expect(page.locator("#live")).to_have_text(f"{PAGE_SIZE} older kwips")
    older.click()
    expect(cards).to_have_count(len(kwips))
    assert [card.get_attribute("id") for card in cards.all()] == [f"kwip-{kwip.pk}" for kwip in kwips]
    expect(older).to_have_count(0)
    expect(page.locator(".the-end")).to_contain_text("that's all since")
    expect(page.locator(".the-end time")).to_have_count(1)
    assert page.evaluate("window.isTheSame")
    # The address is of the part that was read last, and "back" leaves the list.
    page.reload()
    assert focused(page) == ""
    expect(cards.first).to_have_id(f"kwip-{kwips[2 * PAGE_SIZE].pk}")
    page.go_back()
    assert page.url == f"{live_server.url}/about/"


def test_new_kwips_are_put_on_top_when_they_are_asked_for(
    live_server: LiveServer, page: Page, bob: User
) -> None:
    first = write(bob)
    page.clock.install()
    page.goto(live_server.url)
    line, cards = page.locator(".news"), page.locator(".h-feed .kwip")
    page.evaluate("window.isTheSame = true")
    for number in (1, 2):  # the second time from where the first one ended
        new = write(bob, "more tea")
        page.clock.run_for(61_000)
        expect(line).to_have_text("1 new kwip")
        expect(cards).to_have_count(number)
        line.locator("a").click()
        expect(cards).to_have_count(number + 1)
        expect(cards.first).to_have_id(f"kwip-{new.pk}")
        expect(line).to_be_hidden()
        assert focused(page) == f"kwip-{new.pk}"
    expect(cards.last).to_have_id(f"kwip-{first.pk}")
    assert page.evaluate("window.isTheSame")


@pytest.mark.parametrize("is_member", [True, False])
def test_a_folded_text_opens_where_it_stands(
    live_server: LiveServer, page: Page, open_page: OpenPage, bob: User, is_member: bool
) -> None:
    kwip = write(bob, LONG)
    page = page if is_member else open_page(width=390)
    page.goto(f"{live_server.url}/everyone/")
    card = page.locator(f"#kwip-{kwip.pk}")
    assert len(card.locator(".kwip-text").inner_text()) < len(LONG) / 2
    card.locator(".kwip-more").click()
    expect(card.locator(".kwip-text")).to_have_text(LONG.strip())
    expect(card.locator(".kwip-more")).to_have_count(0)
    assert "kwip-text" in page.evaluate("document.activeElement.className")
    assert page.url == f"{live_server.url}/everyone/"


def test_a_comment_appears_where_it_was_written_and_can_be_taken_back(
    live_server: LiveServer, page: Page, bob: User, axe: Callable[..., None]
) -> None:
    kwip = write(bob)
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    area = page.locator('form[action$="/comment/"] textarea')
    page.evaluate("window.isTheSame = true")
    for number in (1, 2):
        area.fill(f"milk? {number}")
        page.locator('form[action$="/comment/"] [type=submit]').click()
        expect(page.locator("#comments .said")).to_have_count(number)
        expect(page.locator("#live")).to_have_text("said.")
        expect(area).to_have_value("")
        expect(area).to_be_focused()
    assert page.evaluate("window.isTheSame")
    axe(page)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []
    page.locator(".undo button").last.click()
    page.wait_for_url("**/take-back/")
    expect(page.locator("main textarea")).to_have_value("milk? 2")
    assert list(kwip.comments.values_list("text", flat=True)) == ["milk? 1"]
    # The words are a draft now: they are not lost with this page.
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    expect(area).to_have_value("milk? 2")


def test_a_kwip_is_taken_back_for_ten_seconds(live_server: LiveServer, page: Page) -> None:
    page.clock.install()
    page.goto(live_server.url)
    for is_quick in (False, True):
        page.locator('form[action="/kwip/"] textarea').fill("a thought")
        page.locator('form[action="/kwip/"] .actions > button').click()
        expect(page.locator(".notices")).to_contain_text("kwipped :)")
        undo = page.locator(".undo button")
        expect(undo).to_be_visible()
        if is_quick:
            undo.click()
            expect(page.locator("main textarea")).to_have_value("a thought")
        else:
            page.clock.run_for(10_001)
            expect(undo).to_have_count(0)
            page.goto(live_server.url)
    assert Kwip.objects.count() == 1


FAULTS = {
    "the server is down": (lambda route: route.abort(), "that did not work. try again?"),
    "a proxy answers": (
        lambda route: route.fulfill(status=502, body="<h1>no</h1>"),
        "that did not work. try again?",
    ),
    "it is not a kwip's answer": (
        lambda route: route.fulfill(body="<h1>hello</h1>"),
        "that did not work. try again?",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_without_an_answer_a_heart_is_as_before_and_a_comment_is_kept(
    live_server: LiveServer, page: Page, bob: User, fault: str
) -> None:
    kwip = write(bob)
    answer, words = FAULTS[fault]
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    page.route(re.compile("/(favourite|comment)/$"), answer)
    heart_of(page, kwip).click()
    expect(page.locator(".toast")).to_have_text(words)
    expect(heart_of(page, kwip)).to_have_attribute("aria-pressed", "false")
    expect(heart_of(page, kwip).locator("[data-count]")).to_have_text("")
    area = page.locator('form[action$="/comment/"] textarea')
    area.fill("milk?")
    page.locator('form[action$="/comment/"] [type=submit]').click()
    expect(page.locator(".toast")).to_have_text(words)
    expect(area).to_have_value("milk?")
    expect(area).to_be_focused()
    # Once the server is there again, the same click works.
    page.unroute_all()
    page.locator('form[action$="/comment/"] [type=submit]').click()
    expect(page.locator("#comments .said")).to_have_count(1)


def test_an_answer_that_does_not_come_is_given_up(live_server: LiveServer, page: Page, bob: User) -> None:
    kwip = write(bob)
    waiting: list[Route] = []
    page.clock.install()
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    page.route(re.compile("/favourite/$"), lambda route: waiting.append(route))
    heart_of(page, kwip).click()
    expect(heart_of(page, kwip)).to_have_attribute("aria-pressed", "true")
    page.clock.run_for(15_001)
    expect(heart_of(page, kwip)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".toast")).to_have_text("that did not work. try again?")


def test_what_is_refused_is_said_in_words_and_keeps_the_text(
    live_server: LiveServer, page: Page, bob: User, settings
) -> None:
    kwip = write(bob)
    page.goto(f"{live_server.url}/bob/kwip/{kwip.pk}/")
    form, toast = page.locator('form[action$="/comment/"]'), page.locator(".toast")
    settings.LIMITS = settings.LIMITS | {"comment": "1/10m", "favourite": "1/10m"}

    def send(text: str) -> None:
        form.locator("textarea").fill(text)
        form.locator("[type=submit]").click()

    send("milk?")
    expect(page.locator("#comments .said")).to_have_count(1)
    send("sugar?")
    expect(toast).to_contain_text("10 minutes")
    expect(form.locator("textarea")).to_have_value("sugar?")
    heart_of(page, kwip).click()
    expect(heart_of(page, kwip)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("in your favourites now")
    heart_of(page, kwip).click()
    expect(toast).to_contain_text("10 minutes")
    expect(heart_of(page, kwip)).to_have_attribute("aria-pressed", "true")
    [cookie] = [one for one in page.context.cookies() if one["name"] == django_settings.SESSION_COOKIE_NAME]
    SessionStore(cookie["value"]).delete()
    send("sugar?")
    expect(toast.locator("a")).to_have_text("sign in")
    expect(form.locator("textarea")).to_have_value("sugar?")
    heart_of(page, kwip).click()
    expect(toast).to_contain_text("you are signed out.")


def test_no_members_page_is_in_the_storage_of_the_browser(
    live_server: LiveServer, page: Page, bob: User
) -> None:
    for number in range(PAGE_SIZE + 1):
        kwip = write(bob, f"secret {number}")
    page.goto(live_server.url)
    page.locator(".pager [rel=next]").click()
    expect(page.locator(".h-feed .kwip")).to_have_count(PAGE_SIZE + 1)
    heart_of(page, kwip).click()
    expect(page.locator("#live")).to_have_text("in your favourites now")
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "secret" not in stored
    assert "/favourite/" in stored
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/about/")
    assert "/favourite/" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")


def test_the_same_is_reached_without_script(live_server: LiveServer, plain: Page, bob: User) -> None:
    kwip = write(bob, LONG)
    for number in range(PAGE_SIZE):
        write(bob, f"tea number {number}")
    plain.goto(live_server.url)
    plain.locator(".pager [rel=next]").click()
    expect(plain.locator(".h-feed .kwip")).to_have_count(1)
    expect(plain.locator(".the-end")).to_contain_text("that's all since")
    plain.locator(".kwip-more").click()
    expect(plain.locator(".kwip-text").first).to_have_text(LONG.strip())
    heart_of(plain, kwip).click()
    expect(heart_of(plain, kwip)).to_have_attribute("aria-pressed", "true")
    plain.locator('form[action$="/comment/"] textarea').fill("milk?")
    plain.locator('form[action$="/comment/"] [type=submit]').click()
    expect(plain.locator("#comments .said")).to_have_count(1)
    plain.locator(".undo button").click()
    expect(plain.locator("main textarea")).to_have_value("milk?")
    assert kwip.comments.count() == 0
    plain.locator('form[action$="/comment/"] [type=submit]').click()
    expect(plain.locator("#comments .said")).to_have_count(1)
    plain.goto(f"{live_server.url}/bob/")
    plain.get_by_role("button", name="stop following").click()
    expect(plain.get_by_role("button", name="follow", exact=True)).to_be_visible()
