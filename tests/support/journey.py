"""A newcomer's first day in a browser without JavaScript, for `live_server` and `make smoke`.

Each function takes a page and performs one step on it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

KWIP_ADDRESS = re.compile(r"/(?P<author>[^/]+)/kwip/\d+/")
NewPage = Callable[[], Page]
# The newest message to an address, as it would be sent; it waits for one if need be.
NewestMail = Callable[[str], bytes]


@dataclass(frozen=True)
class Newcomer:
    """The newcomer's name, address and site."""

    site: str
    username: str = "newcomer"
    password: str = "seven green teapots"

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


def walk(newcomer: Newcomer, new_page: NewPage, newest_mail: NewestMail) -> None:
    """The whole way, with someone else to follow already there. Raises AssertionError where it is barred.

    `new_page` opens a page as a new visitor.
    """
    page = new_page()
    sign_up(page, newcomer)
    confirm(page, newcomer, newest_mail(newcomer.email))
    sign_in(page, newcomer)
    address = publish(page, newcomer, "my first kwip, with a kettle on")
    anonymous = new_page()
    read(anonymous, newcomer.site + address, "my first kwip, with a kettle on")
    friend = follow_someone(page, newcomer)
    see_in_network(page, newcomer, friend)
    comment(page, newcomer.site + address, "and a biscuit")
    edit(page, newcomer.site + address, "my first kwip, with two kettles on")
    read(anonymous, newcomer.site + address, "my first kwip, with two kettles on")
    read(anonymous, newcomer.site + address, "and a biscuit")
    delete(page, newcomer.site + address)
    assert status(anonymous, newcomer.site + address) == 410


def sign_up(page: Page, newcomer: Newcomer) -> None:
    """Fill in the form for a new account."""
    page.goto(f"{newcomer.site}/accounts/signup/")
    page.fill("[name=username]", newcomer.username)
    page.fill("[name=email]", newcomer.email)
    page.fill("[name=password1]", newcomer.password)
    page.fill("[name=password2]", newcomer.password)
    submit(page, "/accounts/signup/")
    expect(page).to_have_url(re.compile("/accounts/confirm-email/$"))


def confirm(page: Page, newcomer: Newcomer, mail: bytes) -> None:
    """Open the link that the mail brought: in the browser that signed up, that is all."""
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None, "the mail has no text part"
    link = re.search(r"https?://\S+/accounts/confirm-email/\S+", body.get_content())
    assert link is not None, f"no link in the mail:\n{body.get_content()}"
    assert link[0].startswith(newcomer.site), f"{link[0]} leads elsewhere than {newcomer.site}"
    page.goto(link[0])
    expect(page).to_have_url(re.compile("/welcome/$"))


def sign_in(page: Page, newcomer: Newcomer) -> None:
    """Sign in, unless confirming the address has done it."""
    page.goto(f"{newcomer.site}/accounts/login/")
    if page.locator("[name=login]").count():
        page.fill("[name=login]", newcomer.username)
        page.fill("[name=password]", newcomer.password)
        submit(page, "/accounts/login/")
    page.goto(f"{newcomer.site}/")
    expect(page.locator("form[action='/kwip/'] [name=text]")).to_be_visible()


def publish(page: Page, newcomer: Newcomer, text: str) -> str:
    """Write a kwip in the form on the home page; return its address, a path."""
    page.goto(f"{newcomer.site}/")
    page.fill("form[action='/kwip/'] [name=text]", text)
    submit(page, "/kwip/")
    page.goto(f"{newcomer.site}/{newcomer.username}/")
    article = page.locator("article[id^='kwip-']", has_text=text).first
    identifier = str(article.get_attribute("id")).removeprefix("kwip-")
    return f"/{newcomer.username}/kwip/{identifier}/"


def read(page: Page, address: str, text: str) -> None:
    """Open a kwip's page and find the text on it."""
    assert status(page, address) == 200
    expect(page.locator("article", has_text=text).first).to_be_visible()


def follow_someone(page: Page, newcomer: Newcomer) -> str:
    """Follow the first other person who wrote something for everyone; return the user name."""
    page.goto(f"{newcomer.site}/everyone/")
    links = page.locator("article[id^='kwip-'] a[href*='/kwip/']").all()
    found = [KWIP_ADDRESS.fullmatch(str(link.get_attribute("href"))) for link in links]
    authors = [match["author"] for match in found if match]
    friend = next(author for author in authors if author != newcomer.username)
    page.goto(f"{newcomer.site}/{friend}/")
    submit(page, f"/{friend}/follow/")
    page.goto(f"{newcomer.site}/{friend}/")
    expect(page.locator(f"form[action='/{friend}/unfollow/']").first).to_be_visible()
    return friend


def see_in_network(page: Page, newcomer: Newcomer, friend: str) -> None:
    """Find a kwip of the one we follow on our home page."""
    page.goto(f"{newcomer.site}/")
    expect(page.locator(f"article a[href^='/{friend}/kwip/']").first).to_be_visible()


def comment(page: Page, address: str, text: str) -> None:
    """Comment on a kwip, on its page."""
    page.goto(address)
    action = f"/kwip/{identifier_of(address)}/comment/"
    page.fill(f"form[action='{action}'] [name=text]", text)
    submit(page, action)
    read(page, address, text)


def edit(page: Page, address: str, text: str) -> None:
    """Say it differently."""
    page.goto(address)
    action = f"/kwip/{identifier_of(address)}/edit/"
    choose(page, action)
    page.fill(f"form[action='{action}'] [name=text]", text)
    submit(page, action)
    read(page, address, text)


def delete(page: Page, address: str) -> None:
    """Take it away again."""
    page.goto(address)
    action = f"/kwip/{identifier_of(address)}/delete/"
    choose(page, action)
    submit(page, action)


def choose(page: Page, address: str) -> None:
    """Open the menu that has a link to this address, and follow it."""
    page.locator(f"details:has(a[href='{address}']) > summary").first.click()
    page.locator(f"a[href='{address}']").first.click()


def identifier_of(address: str) -> str:
    """The number in a kwip's address."""
    return urlsplit(address).path.rstrip("/").rpartition("/")[2]


def status(page: Page, address: str) -> int:
    """Open an address; return the status of the answer."""
    response = page.goto(address)
    assert response is not None
    return response.status


def submit(page: Page, action: str) -> None:
    """Submit the form with this action; check that it is accepted."""
    form = page.locator(f"form[action='{action}']").first
    assert form.count(), f"{page.url} has no form for {action}:\n{page.inner_text('body')}"
    with page.expect_navigation() as navigation:
        form.locator("button[type=submit]:visible").first.click()
    answer = navigation.value
    assert answer is None or answer.ok, f"posting to {action} was answered with {answer.status}"
    refusals = page.locator(".errorlist:visible").all_inner_texts()
    assert not refusals, f"posting to {action} was refused: {refusals}"
