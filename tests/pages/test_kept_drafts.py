"""Drafts on the server, in Chromium: another device, two tabs, no network, an ended session, no script."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.drafts import actions, fields
from apps.drafts.models import Draft
from apps.drafts.publishing import publish_due
from apps.kwips.models import Kwip
from tests.pages.test_pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def device(live_server: LiveServer, open_page: Open, ann: User) -> Callable[..., Page]:
    """A browser of its own in which ann is signed in. With a clock, `pause` puts that on; the browser then
    does not know how a page was reached (`performance.getEntriesByType`)."""

    def _device(*, has_clock: bool = False, **options: object) -> Page:
        page = open_page(**options)
        if has_clock:
            page.clock.install()
        sign_in(page, ann, live_server.url)
        return page

    return _device


def texts() -> list[str]:
    return [fields.text_of(draft.fields) for draft in Draft.objects.order_by("pk")]


def type_words(page: Page, text: str) -> None:
    """With the script there: it comes with the first text area that one enters."""
    area = page.locator(".compose textarea")
    area.focus()
    expect(area).to_have_attribute("aria-autocomplete", "list")
    area.fill(text)


def pause(page: Page) -> None:
    """Longer than from one time that the words are kept to the next."""
    page.clock.fast_forward(12_000)


def write(page: Page, text: str) -> None:
    """Types, and waits until the server has it."""
    type_words(page, text)
    pause(page)
    expect(page.locator(".kept-note")).to_have_text("kept", timeout=30_000)


def test_a_script_that_comes_after_the_form_was_sent_keeps_nothing(
    live_server: LiveServer, device: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    save = actions.save

    def noting(**arguments: Any) -> actions.Saved:
        kept.append(fields.text_of(arguments["fields"]))
        return save(**arguments)

    monkeypatch.setattr(actions, "save", noting)
    page = device()
    page.goto(live_server.url)
    held: list[Route] = []
    page.route("**/mentions*.js", lambda route: held.append(route))
    area = page.locator(".compose textarea")
    area.fill("a thought")
    # Sent, and on its way until the page is left.
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")
    page.locator(".compose .actions > button").click()
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(area).to_have_attribute("aria-autocomplete", "list")
    page.goto(f"{live_server.url}/everyone/")
    page.wait_for_timeout(300)
    assert kept == []


def press(page: Page, label: str) -> None:
    page.locator(".extras summary").click()
    page.locator(".keeping").get_by_text(label).click()


def test_begun_in_one_browser_and_continued_in_another(live_server: LiveServer, device: Open) -> None:
    laptop, phone = device(has_clock=True), device(has_clock=True, width=320)
    laptop.goto(f"{live_server.url}/kwip/")
    write(laptop, "half a")
    phone.goto(f"{live_server.url}/drafts/")
    phone.get_by_role("link", name="half a").click()
    area = phone.locator(".compose textarea")
    expect(area).to_have_value("half a")
    write(phone, "half a thought")
    assert texts() == ["half a thought"]
    phone.get_by_role("button", name="kwip it").click()
    phone.wait_for_url("**/ann/kwip/*/")
    assert [kwip.text for kwip in Kwip.objects.all()] == ["half a thought"]
    assert texts() == []


def test_two_devices_that_do_not_know_of_each_other_keep_both(live_server: LiveServer, device: Open) -> None:
    laptop, phone = device(has_clock=True), device(has_clock=True)
    laptop.goto(f"{live_server.url}/kwip/")
    write(laptop, "tea")
    [draft] = Draft.objects.all()
    phone.goto(f"{live_server.url}/drafts/{draft.pk}/")
    write(phone, "coffee")
    type_words(laptop, "tea with milk")
    pause(laptop)
    expect(laptop.locator("#live")).to_contain_text("both are kept", timeout=30_000)
    assert texts() == ["coffee", "tea with milk"]
    laptop.get_by_role("button", name="kwip it").click()
    laptop.wait_for_url("**/ann/kwip/*/")
    assert texts() == ["coffee"]


def test_a_closed_tab_and_the_next_one_are_the_same_draft(live_server: LiveServer, device: Open) -> None:
    page = device(has_clock=True)
    page.goto(f"{live_server.url}/kwip/")
    write(page, "half")
    type_words(page, "half a")
    page.close(run_before_unload=True)
    again = page.context.new_page()
    again.goto(f"{live_server.url}/kwip/")
    area = again.locator(".compose textarea")
    expect(area).to_have_value("half a")
    area.focus()
    write(again, "half a thought")
    assert texts() == ["half a thought"]


def test_without_the_server_the_words_are_here_and_are_sent_later(
    live_server: LiveServer, device: Open
) -> None:
    page = device(has_clock=True)
    page.goto(f"{live_server.url}/kwip/")
    page.route("**/drafts/keep/", lambda route: route.abort())
    type_words(page, "half a thought")
    with page.expect_event("requestfailed"):
        pause(page)
    assert texts() == []
    page.unroute("**/drafts/keep/")
    page.reload()
    area = page.locator(".compose textarea")
    expect(area).to_have_value("half a thought")
    area.focus()
    expect(area).to_have_attribute("aria-autocomplete", "list")
    pause(page)
    expect(page.locator(".kept-note")).to_have_text("kept", timeout=30_000)
    assert texts() == ["half a thought"]


def test_an_ended_session_is_said_and_the_words_come_back(
    live_server: LiveServer, device: Open, ann: User
) -> None:
    page = device(has_clock=True)
    page.goto(f"{live_server.url}/kwip/")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    type_words(page, "half a thought")
    pause(page)
    expect(page.locator("#live")).to_contain_text("you are signed out", timeout=30_000)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    expect(page.locator(".compose textarea")).to_have_value("half a thought")


def test_an_answer_that_is_lost_makes_no_second_draft(live_server: LiveServer, device: Open) -> None:
    page = device(has_clock=True)
    page.goto(f"{live_server.url}/kwip/")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/drafts/keep/", lose, times=1)
    type_words(page, "half")
    with page.expect_event("requestfailed"):
        pause(page)
    write(page, "other words")
    assert texts() == ["other words"]


def test_nothing_and_blanks_are_not_sent(live_server: LiveServer, device: Open) -> None:
    page = device(has_clock=True)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(f"{live_server.url}/kwip/")
    type_words(page, "  \n ")
    pause(page)
    page.goto(f"{live_server.url}/everyone/")
    assert sent == []
    assert texts() == []


@pytest.mark.parametrize("has_script", [True, False])
def test_scheduled_changed_and_cancelled(live_server: LiveServer, device: Open, has_script: bool) -> None:
    page = device(javascript=has_script)
    zone = {"timezoneId": "Asia/Dubai"}
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", zone)
    page.goto(f"{live_server.url}/kwip/")
    page.locator(".compose textarea").fill("a thought for later")
    press(page, "later…")
    day = timezone.now().date() + datetime.timedelta(days=3)
    if not has_script:
        page.get_by_label("your time zone").select_option("Asia/Dubai")
    expect(page.get_by_label("your time zone")).to_have_value("Asia/Dubai")
    page.locator("[name=day]").fill(day.isoformat())
    page.locator("[name=time]").fill("09:30")
    page.get_by_role("button", name="send it then").click()
    expect(page.locator(".drafts")).to_contain_text("09:30 (Asia/Dubai)")
    at = datetime.datetime.combine(day, datetime.time(5, 30), datetime.UTC)
    assert Draft.objects.get().publish_at == at
    page.get_by_role("link", name="another time").click()
    expect(page.locator("[name=time]")).to_have_value("09:30")
    page.locator("[name=time]").fill("10:00")
    page.get_by_role("button", name="send it then").click()
    assert Draft.objects.get().publish_at == at + datetime.timedelta(minutes=30)
    assert publish_due.call(Draft.objects.get().pk, at.isoformat()) is None
    page.get_by_role("button", name="don't send it").click()
    expect(page.locator(".drafts")).not_to_contain_text("Dubai")
    assert publish_due.call(Draft.objects.get().pk, (at + datetime.timedelta(minutes=30)).isoformat()) is None
    assert not Kwip.objects.exists()
    page.get_by_role("link", name="a thought for later").click()
    page.get_by_role("button", name="kwip it").click()
    page.wait_for_url("**/ann/kwip/*/")
    assert texts() == []


@pytest.mark.parametrize("has_script", [True, False])
def test_the_button_keeps_it_and_throwing_it_away_asks(
    live_server: LiveServer, device: Open, has_script: bool
) -> None:
    page = device(javascript=has_script)
    page.goto(f"{live_server.url}/kwip/")
    page.locator(".compose textarea").fill("half a thought")
    press(page, "keep as a draft")
    page.wait_for_url("**/drafts/*/")
    expect(page.locator(".compose textarea")).to_have_value("half a thought")
    assert texts() == ["half a thought"]
    page.goto(f"{live_server.url}/kwip/")
    expect(page.locator(".compose textarea")).to_have_value("")
    page.goto(f"{live_server.url}/drafts/")
    page.get_by_role("link", name="throw it away").click()
    page.get_by_role("button", name="throw it away").click()
    expect(page.locator("main")).to_contain_text("nothing half-said")
    assert texts() == []


def test_enter_in_a_line_of_the_composer_publishes(live_server: LiveServer, device: Open) -> None:
    page = device()
    page.goto(f"{live_server.url}/kwip/")
    page.locator(".compose textarea").fill("a thought")
    page.locator(".extras summary").click()
    page.locator("[name=content_note]").fill("a note")
    page.locator("[name=content_note]").press("Enter")
    page.wait_for_url("**/ann/kwip/*/")
    assert Kwip.objects.get().content_note == "a note"
