"""Forms show the site's error messages, not Django's or allauth's."""

import re
from html.parser import HTMLParser
from pathlib import Path

import allauth
import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.test import Client
from django.urls import get_resolver

from apps.accounts.adapter import AccountAdapter
from apps.accounts.models import User
from tests.support.people import PASSWORD, sign_up

pytestmark = pytest.mark.django_db

# Values that most fields reject.
WRONG = ["", "x", "a\x00b", "x" * 600, "not an address", "@", "ann", "password", "kwippykwippy"]
ANONYMOUS = {
    "/accounts/login/": ("login", "password"),
    "/accounts/signup/": ("username", "email", "password1", "password2"),
    "/accounts/password/reset/": ("email",),
    "/accounts/confirm-email/change/": ("email",),
}
MEMBERS = {
    "/settings/": ("display_name", "bio"),
    "/settings/name/": ("username",),
    "/accounts/password/change/": ("oldpassword", "password1", "password2"),
    "/accounts/email/": ("email",),
    "/accounts/reauthenticate/": ("password",),
}


def errors_in(html: str) -> list[str]:
    lists = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', html, re.DOTALL)
    return [message for found in lists for message in re.findall(r"<li>(.*?)</li>", found, re.DOTALL)]


def check(html: str) -> list[str]:
    messages = errors_in(html)
    for message in messages:
        assert message[0].islower() or not message[0].isalpha(), message
        assert not re.search(r"[Tt]his (field|password|value)|[Ee]nter a valid|Ensure|You must", message), (
            message
        )
    without_search = re.sub(r'<form class="search".*?</form>', "", html, flags=re.DOTALL)
    assert "placeholder=" not in without_search
    assert "Forgot your password" not in html
    return messages


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("address", [*ANONYMOUS, *MEMBERS])
def test_every_form_error_uses_the_sites_messages(
    client: Client, ann: User, settings, address: str, wrong: str
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}
    if address in MEMBERS:
        client.force_login(ann)
    elif "confirm-email" in address:
        sign_up(client, "eve", "eve@example.org")
    fields = (ANONYMOUS | MEMBERS)[address]
    page = client.post(address, dict.fromkeys(fields, wrong) | {"action_add": ""}, follow=True)
    messages = check(page.content.decode())
    if wrong == "a\x00b":
        assert messages, "no field accepts NUL"
    if wrong == "" and address != "/settings/":
        assert messages
    check(client.get(address, follow=True).content.decode())


def test_different_passwords_show_the_sites_message(client: Client) -> None:
    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": "other horses"}
    assert "these two aren&#x27;t the same." in errors_in(
        client.post("/accounts/signup/", form).content.decode()
    )


def test_unused_pages_of_allauth_have_no_url(client: Client) -> None:
    assert client.get("/accounts/inactive/").status_code == 404
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert {"account_login", "account_signup", "account_email", "usersessions_list"} <= names
    assert not names & {"account_inactive", "account_request_login_code"}


def test_a_member_without_a_password_gets_one_by_mail(client: Client) -> None:
    client.force_login(User.objects.create_user("bob", "bob@example.org"))
    answer = client.get("/accounts/password/change/", follow=True)
    assert answer.redirect_chain[-1] == ("/accounts/password/reset/", 302)


def test_a_deactivated_member_gets_an_explanation_on_signing_in(client: Client, ann: User) -> None:
    User.objects.update(is_active=False)
    answer = client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert answer.status_code == 403
    assert "asleep" in answer.content.decode()


ALLAUTH = Path(allauth.__file__).parent
# Phones and codes by mail are not switched on, and have no address.
UNUSED = re.compile(
    r"phone|passkey|login_code|reset_code|verification_code|confirm_code|base_\w+|password_set\.html"
)


class Sentences(HTMLParser):
    """The texts of a page, and those of attributes that are read out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        read_out = {"aria-label", "title", "placeholder"}
        self.found |= {value for name, value in attrs if name in read_out and value}

    def handle_data(self, data: str) -> None:
        self.found.add(" ".join(data.split()))


def sentences_of_allauth() -> set[str]:
    """The sources of its translations, without words that are lower-case as the site's."""
    catalog = (ALLAUTH / "locale/de/LC_MESSAGES/django.po").read_text()
    found = re.findall(r'^msgid ((?:".*"\s)+)', catalog, re.MULTILINE)
    joined = {"".join(re.findall(r'"(.*)"', text)) for text in found}
    return {sentence for sentence in joined if sentence and not sentence.islower()}


def test_no_page_shows_a_sentence_of_allauths(client: Client, ann: User) -> None:
    theirs = sentences_of_allauth()
    assert {"Forgot your password?", "Remember Me", "New Password (again)"} <= theirs
    shown: set[str] = set()
    for address in [*ANONYMOUS, "/accounts/password/reset/done/", "/accounts/password/reset/key/done/",
                    "/accounts/confirm-email/abc/", "/accounts/password/reset/key/1-abc/"]:  # fmt: skip
        shown |= Sentences(client.get(address, follow=True).content.decode()).found
    client.force_login(ann)
    for address in [*MEMBERS, "/accounts/logout/", "/accounts/sessions/"]:
        shown |= Sentences(client.get(address, follow=True).content.decode()).found
    assert "current password" in {sentence.lower() for sentence in shown}
    assert not shown & theirs


def test_each_message_and_template_of_allauths_that_can_be_used_has_the_sites_words() -> None:
    defaults = DefaultAccountAdapter.error_messages
    same = {name for name, words in AccountAdapter.error_messages.items() if words is defaults.get(name)}
    assert {name for name in same if "phone" not in name} == set()
    missing = {
        path.relative_to(ALLAUTH / "templates").as_posix()
        for folder in ("account", "usersessions")
        for path in (ALLAUTH / "templates" / folder).rglob("*.*")
        if not (Path("templates") / path.relative_to(ALLAUTH / "templates")).exists()
    }
    assert missing
    assert {name for name in missing if not UNUSED.search(name)} == set()
