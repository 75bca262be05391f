"""A kwip with a note and formatted words in a browser: its preview, its fold; without the script, too."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips.models import Kwip
from tests.pages.test_pages import sign_in
from tests.support.fixtures import ann

__all__ = ["ann"]

pytestmark = pytest.mark.django_db(transaction=True)

type Open = Callable[..., Page]
CODE = "```\n" + "a long line of code " * 10 + "\n```"


@pytest.mark.parametrize("javascript", [True, False], ids=["with the script", "without it"])
def test_a_preview_is_shown_and_the_words_stay_until_they_are_published(
    live_server: LiveServer, open_page: Open, ann: User, axe: Callable[[Page], None], javascript: bool
) -> None:
    page = open_page(width=320, javascript=javascript)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    page.locator("main [name=text]").fill(f"*so* it ends\n{CODE}")
    page.get_by_label("more to say it with").click()
    page.get_by_label("a note before it").fill("how it ends")
    page.get_by_role("button", name="preview").click()
    shown = page.get_by_role("region", name="preview")
    shown.get_by_text("how it ends").click()
    expect(shown.locator("em")).to_have_text("so")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if javascript:
        axe(page)
        page.get_by_label("plain, as i typed it").check()
        page.get_by_role("button", name="preview").click()
        expect(shown.locator("em")).to_have_count(0)
        page.get_by_label("plain, as i typed it").uncheck()
    assert not Kwip.objects.exists()
    page.get_by_role("button", name="kwip it").click()
    page.wait_for_url("**/ann/kwip/*/**")
    kwip = Kwip.objects.get()
    assert (kwip.content_note, kwip.is_formatted) == ("how it ends", True)
    text = page.locator(f"#kwip-{kwip.pk}-text")
    expect(text).to_be_hidden()
    page.locator("main .noted > summary").click()
    expect(text.locator("em")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if javascript:
        axe(page)


def test_a_form_with_a_mistake_is_the_page_of_its_mistake(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    page.locator("main [name=text]").fill("   ")
    page.get_by_label("more to say it with").click()
    page.get_by_label("a note before it").fill("how it ends")
    page.get_by_role("button", name="preview").click()
    expect(page.get_by_text("say something first :)")).to_be_visible()
    expect(page.get_by_label("a note before it")).to_have_value("how it ends")
