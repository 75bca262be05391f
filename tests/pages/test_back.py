"""The back button: Chromium restores a member's pages as they were, and none after the session has ended."""

import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.browser import FLAGS, new_context, program

pytestmark = pytest.mark.django_db(transaction=True)

WATCH = "addEventListener('pageshow', (event) => { window.isRestored = event.persisted })"


@pytest.fixture(scope="module")
def restoring(browser: Browser) -> Iterator[Browser]:
    """A Chromium with its back/forward cache, which Playwright switches off."""
    off = ["--disable-back-forward-cache"]
    chromium = browser.browser_type.launch(
        executable_path=program(whole=True), args=FLAGS, ignore_default_args=off
    )
    yield chromium
    chromium.close()


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    actions.publish(author=ann, text="tea at four", form_key=uuid.uuid4())
    return ann


def signed_in(context: BrowserContext, live_server: LiveServer, user: User) -> Page:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.add_init_script(WATCH)
    return page


@pytest.fixture
def page(restoring: Browser, live_server: LiveServer, ann: User) -> Iterator[Page]:
    context = new_context(restoring, javascript=True)
    yield signed_in(context, live_server, ann)
    context.close()


@pytest.fixture
def plain(restoring: Browser, live_server: LiveServer, ann: User) -> Iterator[Page]:
    """Without JavaScript."""
    context = new_context(restoring, javascript=False)
    yield signed_in(context, live_server, ann)
    context.close()


def back(page: Page) -> None:
    """Playwright's own `go_back` waits for a load, which a restored page has not."""
    page.evaluate("setTimeout(() => history.back())")


def test_a_members_page_is_restored_and_shows_what_was_pressed_since(
    live_server: LiveServer, page: Page
) -> None:
    kwip = Kwip.objects.get()
    page.goto(live_server.url)
    page.locator("main textarea").fill("half a thought")
    page.evaluate("window.isTheSame = true")
    page.goto(f"{live_server.url}/ann/kwip/{kwip.pk}/")
    heart = page.locator(f"#kwip-{kwip.pk} .fave")
    heart.click()
    expect(page.locator("#live")).to_have_text("in your favourites now")
    back(page)
    page.wait_for_function("() => window.isTheSame && window.isRestored")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(heart).to_have_text("favourite1")
    expect(page.locator("main textarea")).to_have_value("half a thought")
    # It is the state of the server, and another press takes it off.
    heart.click()
    expect(page.locator("#live")).to_have_text("no longer a favourite")
    kwip.refresh_from_db()
    assert kwip.favourites_count == 0


def test_a_page_that_a_form_was_sent_from_is_asked_for_again(live_server: LiveServer, page: Page) -> None:
    page.goto(live_server.url)
    page.locator("main textarea").fill("a new one")
    page.locator("main form[data-draft] button.button[type=submit]:not(.quiet)").click()
    page.wait_for_url("**/ann/kwip/*/")
    back(page)
    expect(page.locator(".timeline .kwip")).to_have_count(2)
    expect(page.locator("main textarea")).to_have_value("")


def test_after_sign_out_back_shows_no_members_page(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/everyone/")
    page.goto(live_server.url)
    page.goto(f"{live_server.url}/accounts/logout/")
    page.locator("main form button.button[type=submit]:not(.quiet)").click()
    expect(page.locator("body.visitor")).to_be_attached()
    for _ in range(3):
        back(page)
        expect(page.locator("body.visitor")).to_be_attached()
        assert page.locator("body.member").count() == 0


def test_after_sign_out_back_shows_no_members_page_without_script_either(
    live_server: LiveServer, plain: Page
) -> None:
    plain.goto(f"{live_server.url}/everyone/")
    plain.goto(live_server.url)
    plain.goto(f"{live_server.url}/accounts/logout/")
    plain.locator("main form button.button[type=submit]:not(.quiet)").click()
    plain.wait_for_url(f"{live_server.url}/")
    for _ in range(3):
        plain.go_back()
        assert 'class="visitor' in plain.content()


def test_a_session_that_was_ended_elsewhere_leaves_nothing_at_the_next_request(
    live_server: LiveServer, page: Page
) -> None:
    page.goto(f"{live_server.url}/everyone/")
    page.goto(live_server.url)
    [cookie] = [one for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME]
    SessionStore(cookie["value"]).delete()
    page.goto(f"{live_server.url}/about/")
    expect(page.locator("body.visitor")).to_be_attached()
    back(page)
    expect(page.locator("h1")).not_to_have_text("your network")
    expect(page.locator("body.visitor")).to_be_attached()


def test_browsers_may_keep_lists_and_kwips_of_a_member_and_no_other_page(client: Client, ann: User) -> None:
    client.force_login(ann)
    kept = ["/", "/everyone/", "/ann/", f"/ann/kwip/{Kwip.objects.get().pk}/", "/search/?q=tea"]
    for path in kept:
        assert client.get(path)["Cache-Control"] == "private, no-cache", path
    for path in [
        "/kwip/",
        "/settings/",
        "/messages/",
        "/settings/export/",
        "/nothing/here/",
        "/network/new/",
    ]:
        assert "no-store" in client.get(path)["Cache-Control"], path
    for path in [
        "/accounts/password/change/",
        "/accounts/email/",
        "/accounts/sessions/",
        "/accounts/logout/",
    ]:
        assert "no-store" in client.get(path)["Cache-Control"], path
    assert client.post("/")["Cache-Control"] == "private, no-store"
    assert Client().get("/search/?q=tea")["Cache-Control"] == "private, no-store"


def test_a_response_that_ends_the_session_clears_the_browsers_cache(client: Client, ann: User) -> None:
    client.force_login(ann)
    assert "Clear-Site-Data" not in client.get("/")
    assert client.post("/accounts/logout/")["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get("/")
    client.force_login(ann)
    SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value).delete()
    assert client.get("/about/")["Clear-Site-Data"] == '"cache"'
