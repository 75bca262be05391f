"""While the network is away: the offline page, words that were being sent, hearts that wait. In Chromium."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Favourite, Kwip
from kwippy.offline import FILES
from tests.support.browser import new_context

pytestmark = pytest.mark.django_db(transaction=True)

STORED = """async () => {
    const stored = {};
    for (const name of await caches.keys()) {
        const requests = await (await caches.open(name)).keys();
        stored[name.split('-')[0]] = requests.map((request) => new URL(request.url).pathname).sort();
    }
    return [stored, (await indexedDB.databases()).length];
}"""
CONTROLLED = """() => new Promise((done) => {
    if (navigator.serviceWorker.controller) return done();
    navigator.serviceWorker.addEventListener('controllerchange', () => done());
})"""
NO_HEART_WAITS = """async () => {
    const hearts = await caches.open('hearts');
    const until = Date.now() + 15000;
    while ((await hearts.keys()).length) {
        if (Date.now() > until) throw new Error('hearts still wait');
        await new Promise((done) => setTimeout(done, 50));
    }
}"""
# A heart of long ago in 98 conversations.
OLD_HEARTS = """async () => {
    const hearts = await caches.open('hearts');
    for (let number = 1; number <= 98; number++) {
        const old = new Response('', { headers: { at: 1, address: '/none/' } });
        await hearts.put(`/kwip/${9000000 + number}/`, old);
    }
}"""
SHELF = sorted(["/offline/", *(f"/static/{name}" for name in FILES)])


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    for number in range(3):
        actions.publish(author=ann, text=f"tea number {number}", form_key=uuid.uuid4())
    return ann


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, ann: User) -> Iterator[BrowserContext]:
    context = new_context(browser, width=320, workers="allow")
    sign_in(context, live_server, ann)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Page:
    page = context.new_page()
    page.goto(live_server.url)
    page.evaluate(CONTROLLED)
    return page


def sign_in(context: BrowserContext, live_server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    client.get("/")
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        if name in client.cookies:
            value = client.cookies[name].value
            context.add_cookies([{"name": name, "value": value, "url": live_server.url}])


def stored(page: Page) -> Any:
    return page.evaluate(STORED)


def texts() -> list[str]:
    return list(Kwip.objects.filter(thread=None).order_by("-pk").values_list("text", flat=True))[:-3]


def write_offline(context: BrowserContext, page: Page, text: str) -> None:
    page.locator("main form[data-draft] textarea").fill(text)
    context.set_offline(True)
    page.locator("main form[data-draft] button.button[type=submit]:not(.quiet)").click()
    expect(page.locator("#kept")).to_have_value(text)


def test_a_page_that_cannot_be_reached_is_the_offline_page_and_comes_when_the_network_is_back(
    live_server: LiveServer, context: BrowserContext, page: Page, axe: Callable[..., None]
) -> None:
    # An error of the server is shown as it is.
    assert page.goto(f"{live_server.url}/nothing/here/").status == 404  # type: ignore[union-attr]
    expect(page.locator("h1")).to_have_text("you seem lost")
    context.set_offline(True)
    page.goto(f"{live_server.url}/everyone/")
    expect(page.locator("h1")).to_have_text("no way through")
    expect(page.locator("#words")).to_be_hidden()
    assert "ann" not in page.locator("body").inner_text()
    # Its style sheet and its icon are there, too.
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).borderRadius") != "0px"
    axe(page)
    context.set_offline(False)
    # By itself.
    expect(page.locator("body.member")).to_be_attached()


@pytest.mark.asvs("14.3.1")
def test_nothing_of_a_member_is_stored_and_after_sign_out_no_heart_is_left(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    kwip = Kwip.objects.latest("pk")
    for path in ("/ann/", f"/ann/kwip/{kwip.pk}/", "/settings/", "/notifications/", "/"):
        page.goto(live_server.url + path)
    assert stored(page) == [{"offline": SHELF}, 0]
    leaving = context.new_page()
    leaving.goto(f"{live_server.url}/accounts/logout/")
    context.set_offline(True)
    page.locator(f"#kwip-{kwip.pk} .fave").click()
    expect(page.locator("#live")).to_have_text("kept. it goes out when you are back online.")
    assert stored(page) == [{"offline": SHELF, "hearts": [f"/kwip/{kwip.pk}/"]}, 0]
    context.set_offline(False)
    leaving.locator("main form button[type=submit]").click()
    expect(leaving.locator("body.visitor")).to_be_attached()
    assert stored(leaving) == [{"offline": SHELF}, 0]


def test_words_are_held_until_they_are_sent_and_are_sent_once(
    live_server: LiveServer, context: BrowserContext, page: Page, axe: Callable[..., None]
) -> None:
    words = "half a </script> thought\n\n  & $& <b>"
    write_offline(context, page, words)
    axe(page)
    assert stored(page)[0] == {"offline": SHELF}
    form_key = page.locator("#words [name=form_key]").input_value()
    page.get_by_role("button", name="send it again").click()
    expect(page.get_by_role("status")).to_have_text("still no way through. your words stay here.")
    expect(page.locator("#kept")).to_have_value(words)
    assert page.locator("#words [name=form_key]").input_value() == form_key
    # The person signed in again meanwhile: the form's own token is no longer valid.
    sign_in(context, live_server, User.objects.get(username="ann"))
    context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("you are back online. send it now?")
    page.get_by_role("button", name="send it again").dblclick()
    page.wait_for_url(re.compile(r"/ann/kwip/\d+/"))
    assert texts() == [words]
    # The draft went with it.
    page.goto(live_server.url)
    expect(page.locator("main form[data-draft] textarea")).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []


@pytest.mark.asvs("14.3.3")
def test_words_are_not_sent_by_another_account_and_leave_the_page_at_sign_out(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    write_offline(context, page, "for ann alone")
    bob = User.objects.create_user("bob", "bob@example.org", "a long password")
    sign_in(context, live_server, bob)
    context.set_offline(False)
    page.get_by_role("button", name="send it again").click()
    expect(page.get_by_role("status")).to_contain_text("no longer signed in as the one who wrote this")
    assert texts() == []
    other = context.new_page()
    other.goto(live_server.url)
    page.wait_for_url(f"{live_server.url}/")
    assert "for ann alone" not in page.content() + other.content()


def test_a_comment_in_place_keeps_its_words(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    kwip = Kwip.objects.latest("pk")
    page.goto(f"{live_server.url}/ann/kwip/{kwip.pk}/")
    context.set_offline(True)
    page.locator('form[action$="/comment/"] textarea').fill("milk?")
    page.locator('form[action$="/comment/"] [type=submit]').click()
    expect(page.locator("#live")).to_have_text("that did not work. try again?")
    context.set_offline(False)
    page.locator('form[action$="/comment/"] [type=submit]').click()
    expect(page.locator("#comments .said")).to_have_count(1)
    assert list(kwip.comments.values_list("text", flat=True)) == ["milk?"]


def test_of_the_hearts_of_a_kwip_the_last_press_is_sent_once(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    first, second, third = Kwip.objects.order_by("pk")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url.removeprefix(live_server.url)))
    context.set_offline(True)
    for kwip, presses in ((first, 3), (second, 2)):
        heart = page.locator(f"#kwip-{kwip.pk} .fave")
        for press in range(presses):
            heart.click()
            expect(heart).to_have_attribute("aria-pressed", "true" if press % 2 == 0 else "false")
            expect(page.locator("#live")).to_have_text("kept. it goes out when you are back online.")
    assert stored(page)[0]["hearts"] == sorted(f"/kwip/{kwip.pk}/" for kwip in (first, second))
    # More than a hundred do not wait: the button goes back.
    page.evaluate(OLD_HEARTS)
    page.locator(f"#kwip-{third.pk} .fave").click()
    expect(page.locator("#live")).to_have_text("that did not work. try again?")
    expect(page.locator(f"#kwip-{third.pk} .fave")).to_have_attribute("aria-pressed", "false")
    asked.clear()
    context.set_offline(False)
    page.evaluate(NO_HEART_WAITS)
    # Of more than a day, those 98 are dropped unsent.
    assert "/none/" not in asked
    assert list(Favourite.objects.values_list("kwip_id", flat=True)) == [first.pk]


def test_a_heart_is_sent_although_the_browser_says_online_too_early(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    kwip = Kwip.objects.latest("pk")
    # As in browsers that do not try again by themselves.
    [worker] = context.service_workers
    worker.evaluate("delete ServiceWorkerRegistration.prototype.sync")
    context.set_offline(True)
    page.locator(f"#kwip-{kwip.pk} .fave").click()
    expect(page.locator("#live")).to_have_text("kept. it goes out when you are back online.")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(500)
    # Back online, but the page is not told a second time.
    page.evaluate("() => { navigator.serviceWorker.controller.postMessage = () => {} }")
    context.set_offline(False)
    page.evaluate(NO_HEART_WAITS)
    assert Favourite.objects.filter(kwip=kwip).exists()


def test_a_heart_is_not_sent_by_another_account(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    kwip = Kwip.objects.latest("pk")
    context.set_offline(True)
    page.locator(f"#kwip-{kwip.pk} .fave").click()
    expect(page.locator("#live")).to_have_text("kept. it goes out when you are back online.")
    sign_in(context, live_server, User.objects.create_user("bob", "bob@example.org", "a long password"))
    context.set_offline(False)
    page.evaluate(NO_HEART_WAITS)
    kwip.refresh_from_db()
    assert kwip.favourites_count == 0


def test_chromium_offers_to_install_it_and_finds_a_new_worker(
    live_server: LiveServer, page: Page, client: Client
) -> None:
    devtools = page.context.new_cdp_session(page)
    assert devtools.send("Page.getAppManifest")["errors"] == []
    told = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A context of Playwright is a private window.
    assert {error["errorId"] for error in told} <= {"in-incognito"}
    answer = client.get("/sw.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age" not in answer["Cache-Control"]
    assert len(answer.content.decode().splitlines()) <= 150
