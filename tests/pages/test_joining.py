"""Joining in Chromium with real mail: by invitation, by approval, and not while sign-up is closed."""

import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts import invitations
from apps.accounts.models import Application, User
from apps.graph.queries import followed_among
from apps.policy.models import SignUpMode, SitePolicy
from tests.support import journey
from tests.support.people import member

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]
type NewestMail = Callable[[str], bytes]


class Mailbox(Sink):
    """Messages by recipient, in the order of their arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[str, bytes]] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.received += [(address, bytes(envelope.content)) for address in envelope.rcpt_tos]
        return "250 OK"

    def newest(self, address: str) -> bytes:
        """The newest message to the address; waits for one."""
        while not (found := [content for to, content in self.received if to == address]):
            time.sleep(0.05)
        return found[-1]


@pytest.fixture
def newest_mail(settings: LazySettings, live_server: LiveServer) -> Iterator[NewestMail]:
    """A mail server to which the site sends at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    smtp = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 10},
    }
    settings.MAILERS = {"default": smtp, "direct": smtp}
    settings.SITE_URL = live_server.url
    yield mailbox.newest
    controller.stop()


@pytest.fixture
def ann(transactional_db: None) -> User:
    return member("ann")


def set_mode(mode: SignUpMode) -> None:
    SitePolicy(sign_up=mode).save()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
@pytest.mark.parametrize("width", [320, 1280])
def test_a_member_invites_a_friend_who_joins_and_both_follow_each_other(
    live_server: LiveServer,
    open_page: Open,
    newest_mail: NewestMail,
    axe: Callable[[Page], None],
    ann: User,
    javascript: bool,
    width: int,
) -> None:
    set_mode(SignUpMode.INVITATION)
    look = axe if javascript else (lambda page: None)
    page = open_page(javascript=javascript, width=width)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("link", name="invitations", exact=True).click()
    page.fill("[name=note]", "come, there is tea")
    look(page)
    journey.submit(page, "/invitations/")
    link = page.locator("#link").input_value()
    look(page)
    friend = open_page(javascript=javascript, width=width)
    friend.goto(link)
    expect(friend.locator("main")).to_contain_text("come, there is tea")
    look(friend)
    friend.locator("main button[type=submit]").click()
    expect(friend.locator("main")).to_contain_text("@ann invites you")
    look(friend)
    newcomer = journey.Newcomer(live_server.url)
    fill(friend, newcomer)
    journey.submit(friend, "/accounts/signup/")
    journey.confirm(friend, newcomer, newest_mail(newcomer.email))
    joined = User.objects.get(username=newcomer.username)
    assert followed_among(joined.pk, [ann.pk])
    assert followed_among(ann.pk, [joined.pk])
    page.goto(f"{live_server.url}/invitations/")
    expect(page.locator("main")).to_contain_text(f"@{newcomer.username}")
    look(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_an_applicant_writes_some_words_waits_and_is_let_in(
    live_server: LiveServer,
    open_page: Open,
    newest_mail: NewestMail,
    axe: Callable[[Page], None],
    javascript: bool,
) -> None:
    set_mode(SignUpMode.APPROVAL)
    look = axe if javascript else (lambda page: None)
    page = open_page(javascript=javascript, width=320)
    newcomer = journey.Newcomer(live_server.url)
    page.goto(f"{live_server.url}/accounts/signup/")
    fill(page, newcomer)
    page.fill("[name=words]", "x" * 501)
    page.locator("main button[type=submit]").click()
    expect(page.locator("[aria-invalid=true]").first).to_have_value("x" * 501)
    look(page)
    fill(page, newcomer)
    page.fill("[name=words]", "i bake bread")
    journey.submit(page, "/accounts/signup/")
    page.goto(link_in(newest_mail(newcomer.email), "/accounts/confirm-email/"))
    expect(page.locator("main")).to_contain_text("now it's our turn")
    expect(page.locator("main")).to_contain_text("i bake bread")
    look(page)
    ops = Client()
    ops.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    chosen = {"action": "accept", "_selected_action": [Application.objects.get().pk]}
    ops.post("/admin/accounts/application/", chosen)
    page.goto(link_in(newest_mail(newcomer.email), "/accounts/login/"))
    journey.sign_in(page, newcomer)


def test_while_sign_up_is_closed_the_page_says_so(
    live_server: LiveServer, open_page: Open, axe: Callable[[Page], None], ann: User
) -> None:
    token = invitations.invite(inviter=ann, note="", form_key=uuid.uuid4())
    page = open_page(width=320)
    page.goto(f"{live_server.url}/accounts/signup/")
    fill(page, journey.Newcomer(live_server.url))
    set_mode(SignUpMode.CLOSED)
    page.locator("main button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("no new members just now")
    axe(page)
    page.goto(f"{live_server.url}/invitation/{token}/")
    expect(page.locator("main")).to_contain_text("closed for a while")
    axe(page)
    page.goto(f"{live_server.url}/invitation/{'0' * 40}/")
    expect(page.locator("main")).to_contain_text("run out")
    axe(page)
    set_mode(SignUpMode.INVITATION)
    page.goto(f"{live_server.url}/accounts/signup/")
    expect(page.locator("main")).to_contain_text("it takes an invitation")
    axe(page)


def fill(page: Page, newcomer: journey.Newcomer) -> None:
    page.fill("[name=username]", newcomer.username)
    page.fill("[name=email]", newcomer.email)
    page.fill("[name=password1]", newcomer.password)
    page.fill("[name=password2]", newcomer.password)


def link_in(mail: bytes, path: str) -> str:
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    found = re.search(rf"https?://\S+{path}\S*", body.get_content())
    assert found, body.get_content()
    return found[0]


def sign_in(page: Page, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
