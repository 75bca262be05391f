"""Messages and buzzes in a browser, with and without JavaScript."""

import datetime
import uuid
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.messages.actions import send
from apps.messages.models import Message
from apps.moderation.models import Report
from tests.pages.test_pages import sign_in
from tests.support.fixtures import ann, bob

__all__ = ["ann", "bob"]

pytestmark = pytest.mark.django_db(transaction=True)

type Open = Callable[..., Page]
# On a phone messages are a tab of the notices, and their mark is that of the notices.
DOT = ".nav li:not(.wide) > :is(.has-news, .has-mail)"


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def pages(
    request: pytest.FixtureRequest, live_server: LiveServer, open_page: Open, ann: User, bob: User
) -> tuple[Page, Page]:
    """A page of ann, and one of bob, who follows her and has been silent."""
    User.objects.update(joined_at=timezone.now() - datetime.timedelta(days=3))
    follow(follower=bob, followee=ann)
    anns, bobs = (open_page(width=width, javascript=request.param) for width in (1280, 320))
    sign_in(anns, ann, live_server.url)
    sign_in(bobs, bob, live_server.url)
    return anns, bobs


def test_they_write_answer_report_and_delete(live_server: LiveServer, pages: tuple[Page, Page]) -> None:
    anns, bobs = pages
    anns.goto(f"{live_server.url}/bob/")
    anns.get_by_role("link", name="write to them").click()
    anns.get_by_label("only bob reads this").fill("tea at four?")
    anns.get_by_role("button", name="send it").click()
    expect(anns.locator(".bubble-mine")).to_contain_text("tea at four?")

    bobs.goto(f"{live_server.url}/everyone/")
    bobs.locator(DOT).click()
    expect(bobs.locator(DOT)).to_contain_text("a new message")
    bobs.locator("main .tabs a[href='/messages/'].has-news").click()
    expect(bobs.locator(".talks .is-new")).to_contain_text("tea at four?")
    bobs.locator(".talks .is-new a").click()
    expect(bobs.locator(DOT)).to_have_count(0)
    bobs.get_by_label("only ann reads this").fill("yes please :)")
    bobs.get_by_role("button", name="send it").click()
    expect(bobs.locator(".bubble").first).to_contain_text("yes please")

    anns.goto(f"{live_server.url}/notifications/")
    anns.get_by_role("link", name="bob wrote to you").click()
    expect(anns.locator(".bubble").first).to_contain_text("yes please")
    anns.locator(".bubble", has_text="yes please").get_by_role("link", name="delete or report").click()
    anns.get_by_role("link", name="report it").click()
    anns.get_by_label("something else").check()
    anns.locator("[name=words]").fill("too polite")
    anns.get_by_role("button", name="report it").click()
    expect(anns.locator(".notices")).to_contain_text("thank you")
    assert Report.objects.get().text == "yes please :)"
    anns.locator(".bubble", has_text="yes please").get_by_role("link", name="delete or report").click()
    anns.get_by_role("button", name="delete it").click()
    expect(anns.locator(".bubble")).to_have_count(1)

    for page in pages:
        page.goto(f"{live_server.url}/messages/")
        page.locator(".talks a").click()
        page.get_by_role("link", name="delete all").click()
        page.get_by_role("button", name="delete all").click()
        expect(page.locator(".empty")).to_contain_text("no post today")
    assert not Message.objects.exists()


def test_a_draft_of_a_message_comes_back_and_goes_when_it_is_sent(
    live_server: LiveServer, open_page: Open, ann: User, bob: User
) -> None:
    follow(follower=bob, followee=ann)
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/messages/bob/")
    page.locator("[name=text]").fill("half a thought")
    page.goto(f"{live_server.url}/messages/")
    page.goto(f"{live_server.url}/messages/bob/")
    expect(page.locator("[name=text]")).to_have_value("half a thought")
    page.get_by_role("button", name="send it").dblclick()
    expect(page.locator(".bubble")).to_have_count(1)
    page.reload()
    expect(page.locator("[name=text]")).to_have_value("")
    assert Message.objects.count() == 2, "a copy for each"


def test_they_buzz_and_switch_it_off(live_server: LiveServer, pages: tuple[Page, Page]) -> None:
    anns, bobs = pages
    anns.goto(f"{live_server.url}/bob/")
    anns.get_by_role("button", name="buzz").click()
    expect(anns.locator(".notices")).to_contain_text("bzzz!")
    expect(anns.get_by_role("button", name="buzz")).to_have_count(0)

    bobs.goto(f"{live_server.url}/notifications/")
    expect(bobs.locator("main")).to_contain_text("ann buzzed you")
    bobs.get_by_role("link", name="switch these off").click()
    bobs.get_by_label("can buzz me").uncheck()
    bobs.get_by_role("button", name="save").click()
    expect(bobs.get_by_label("can buzz me")).not_to_be_checked()


@pytest.mark.parametrize("text", ["x" * 5_000, "\u202e\u0301" * 2_500, "a\n" * 2_500, "@ann #tea " * 500])
def test_no_text_breaks_the_page(
    live_server: LiveServer, open_page: Open, axe: Callable[[Page], None], ann: User, bob: User, text: str
) -> None:
    follow(follower=bob, followee=ann)
    for _ in range(2):
        send(sender=ann, recipient=bob, text=text.strip(), form_key=uuid.uuid4())
    page = open_page(width=320)
    sign_in(page, bob, live_server.url)
    for path in ("/messages/", "/messages/ann/"):
        answer = page.goto(live_server.url + path)
        assert answer
        assert len(answer.body()) < 1_500_000
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        axe(page)
