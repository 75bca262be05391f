"""Pictures of a kwip from a phone: with a script and without, in the lightbox, pasted and dropped."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.demo.photos import draw
from apps.kwips.models import Kwip
from apps.pictures.models import Picture
from tests.support.browser import violations

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"hills{number}.jpg" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(draw(number)[0])
    return paths


@pytest.fixture
def phone(
    live_server: LiveServer, open_page: Callable[..., Page], transactional_db: None
) -> Callable[..., Page]:
    """A signed-in page of ann, 320 pixels wide."""

    def _phone(*, javascript: bool) -> Page:
        ann = User.objects.create_user("ann", "ann@example.org", "a long password")
        client = Client()
        client.force_login(ann)
        page = open_page(javascript=javascript, width=320)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page.goto(f"{live_server.url}/kwip/")
        return page

    return _phone


def words_of(kwip: Kwip) -> list[str]:
    return [row.picture.alt for row in kwip.pictures.select_related("picture")]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_with_a_script_four_pictures_are_sent_while_one_writes(
    phone: Callable[..., Page], photos: list[Path]
) -> None:
    page = phone(javascript=True)
    page.locator("[name=text]").fill("four hills")
    page.locator("[name=text]").focus()
    page.locator(".extras > summary").click()
    expect(page.locator("[name=add]")).to_be_hidden()
    page.locator("[name=files]").set_input_files(photos)
    items = page.locator(".pic:not(.pic-sent)")
    expect(items).to_have_count(4)
    expect(page.locator("#live")).to_contain_text("four at most")
    assert not is_too_wide(page)
    assert not violations(page)
    for number in range(4):
        items.nth(number).locator("textarea").fill(f"hills {number}")
    items.nth(3).locator("[name=earlier]").click()
    page.locator(".compose .actions > .button", has_text="kwip it").click()
    page.wait_for_url(re.compile(r"/ann/kwip/\d+/"))
    assert words_of(Kwip.objects.get()) == ["hills 0", "hills 1", "hills 3", "hills 2"]
    shots = page.locator(".shot")
    shots.nth(2).click()
    box = page.locator("dialog.lightbox")
    expect(box.locator("p")).to_have_text("hills 3")
    assert not violations(page)
    page.keyboard.press("ArrowRight")
    expect(box.locator("p")).to_have_text("hills 2")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(shots.nth(3)).to_be_focused()


def test_without_a_script_the_form_comes_back_with_the_pictures(
    phone: Callable[..., Page], photos: list[Path]
) -> None:
    page = phone(javascript=False)
    page.locator("[name=text]").fill("four hills\n\nand a thought")
    page.locator(".extras > summary").click()
    page.locator("[name=files]").set_input_files(photos[:2])
    page.locator("[name=add]").click()
    items = page.locator(".pic")
    expect(items).to_have_count(2)
    expect(page.locator("[name=text]")).to_have_value("four hills\n\nand a thought")
    assert not is_too_wide(page)
    items.nth(0).locator("textarea").fill("the first")
    page.locator("[name=files]").set_input_files(photos[2:4])
    page.locator("[name=add]").click()
    expect(items).to_have_count(4)
    for number, words in ((1, "the second"), (2, "the third"), (3, "the fourth")):
        items.nth(number).locator("textarea").fill(words)
    items.nth(1).locator("[name=earlier]").click()
    expect(items.nth(0).locator("textarea")).to_have_value("the second")
    page.locator("[name=is_sensitive]").check()
    page.locator(".compose .actions > .button", has_text="kwip it").click()
    page.wait_for_url(re.compile(r"/ann/kwip/\d+/"))
    assert words_of(Kwip.objects.get()) == ["the second", "the first", "the third", "the fourth"]
    shot = page.locator(".shot").nth(0)
    expect(shot).to_be_hidden()
    page.locator(".veil > summary").click()
    shot.click()
    expect(page).to_have_url(re.compile(r"/media/pictures/.+\.full\.webp$"))


def test_an_upload_is_cancelled_and_one_is_taken_out(phone: Callable[..., Page], photos: list[Path]) -> None:
    page = phone(javascript=True)
    page.locator("[name=text]").focus()
    page.locator(".extras > summary").click()
    expect(page.locator("[name=add]")).to_be_hidden()
    page.route("**/kwip/pictures/", lambda route: None)  # it never arrives
    page.locator("[name=files]").set_input_files(photos[:1])
    page.locator("[name=text]").fill("hills")
    page.locator(".compose .actions > .button", has_text="kwip it").click()
    expect(page.locator("#live")).to_contain_text("on its way")
    page.locator("[name=then_later]").click()  # leaves without it no more than the other
    page.locator(".pic-sent button").click()
    expect(page.locator(".pic")).to_have_count(0)
    page.unroute("**/kwip/pictures/")
    page.locator("[name=files]").set_input_files(photos[:1])
    expect(page.locator(".pic:not(.pic-sent)")).to_have_count(1)
    page.locator(".pic [name=remove]").click()
    page.locator(".compose .actions > .button", has_text="kwip it").click()
    page.wait_for_url(re.compile(r"/ann/kwip/\d+/"))
    assert words_of(Kwip.objects.get()) == []


def test_a_picture_can_be_pasted_and_dropped(phone: Callable[..., Page]) -> None:
    page = phone(javascript=True)
    page.locator("[name=text]").focus()
    page.locator(".extras > summary").click()
    expect(page.locator("[name=add]")).to_be_hidden()
    for kind, holder in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(
            """async ([kind, holder]) => {
                const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
                const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
                const files = new DataTransfer();
                files.items.add(new File([blob], "cup.png", { type: "image/png" }));
                const event = new (kind === "paste" ? ClipboardEvent : DragEvent)(kind, {
                    bubbles: true, cancelable: true, [holder]: files,
                });
                document.querySelector(".compose textarea").dispatchEvent(event);
            }""",
            [kind, holder],
        )
    expect(page.locator(".pic:not(.pic-sent)")).to_have_count(2)
    assert Picture.objects.count() == 2
