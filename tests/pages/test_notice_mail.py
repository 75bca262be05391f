"""In Chromium, with and without JavaScript, by real mail: answer from its link, silence, stop it."""

import re
import uuid
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.notifications.mail.tests.conftest import mail_at_once
from tests.pages.test_joining import NewestMail, newest_mail
from tests.pages.test_pages import sign_in
from tests.support.people import member

__all__ = ["newest_mail"]

pytestmark = pytest.mark.django_db(transaction=True)


def links(content: bytes) -> dict[str, str]:
    """The links of a mail, by the line above each."""
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    return dict(re.findall(r"^(.+):\r?\n(http\S+)", body.get_content(), re.MULTILINE))


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_an_answer_is_mailed_once_until_its_reader_was_back(
    live_server: LiveServer, open_page: Callable[..., Page], newest_mail: NewestMail, javascript: bool
) -> None:
    ann, bob = member("ann"), member("bob")
    kwip = actions.publish(author=ann, text="who likes tea?", form_key=uuid.uuid4()).kwip

    def say(text: str) -> Kwip:
        return actions.comment(author=bob, thread=kwip, text=text, form_key=uuid.uuid4()).kwip

    say("i do. with milk?")
    assert mail_at_once() == 1
    say("or lemon?")
    assert mail_at_once() == 0
    mail = newest_mail("ann@example.org")
    assert b"with milk?" in mail
    mailed = links(mail)

    page = open_page(width=320, javascript=javascript)
    sign_in(page, ann, live_server.url)
    page.goto(mailed["answer"])
    text = page.locator("#comment textarea")
    expect(text).to_have_value("@bob ")
    text.fill("@bob milk, please")
    page.locator("#comment").get_by_role("button", name="comment").click()
    expect(page.locator(".said", has_text="milk, please")).to_contain_text("in answer to a comment above")

    say("coming :)")
    assert mail_at_once() == 1
    say("here it is")
    assert mail_at_once() == 0

    page.goto(live_server.url)
    signed_out = open_page(width=320, javascript=javascript)
    signed_out.goto(links(newest_mail("ann@example.org"))["no more mail about this talk"])
    signed_out.get_by_role("main").get_by_role("button").click()
    signed_out.wait_for_load_state()
    page.goto(mailed["see it in its place"])
    expect(page.get_by_role("button", name="track this talk")).to_be_visible()
    say("and a biscuit")
    assert mail_at_once() == 0
