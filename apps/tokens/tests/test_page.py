"""The page of tokens: made once, shown once, listed, revoked."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.tokens import actions
from apps.tokens.models import MOST, Scope, Token
from apps.tokens.secret import digest_of, new_key
from apps.tokens.tests.conftest import Program, token_of
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, member, minutes_later

PATH = "/settings/tokens/"
FORM = {"name": "the weather <station>", "writes": "on"}


@pytest.fixture
def browser(ann: User) -> Client:
    """A member's who just typed the password."""
    client = Client()
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    mail.outbox.clear()
    return client


def shown(answer: Any) -> tuple[str, str]:
    """The secret and the line for a terminal that the page shows."""
    page = answer.content.decode()
    [value] = re.findall(r'<textarea id="secret"[^>]*>([^<]+)</textarea>', page)
    [line] = re.findall(r'<textarea id="line"[^>]*>([^<]+)</textarea>', page)
    return value, html.unescape(line)


def test_a_token_is_shown_once_with_a_line_that_works(ann: User, browser: Client) -> None:
    answer = browser.post(PATH, FORM)
    assert (answer.status_code, answer["Cache-Control"].count("no-store")) == (200, 1)
    secret, line = shown(answer)
    assert Token.objects.get().digest == digest_of(secret)
    assert line.startswith(f"curl -H 'Authorization: Bearer {secret}' --data-urlencode 'text=")
    assert line.endswith("' http://localhost:8000/api/kwips/")
    assert Program(secret).post({"text": "x"}).status_code == 201
    page = browser.get(PATH).content.decode()
    assert secret not in page
    for told in ("the weather &lt;station&gt;", "writes kwips", "last used", "in place of your password"):
        assert told in page
    assert "reads your network" not in page


def test_a_token_that_reads_has_a_line_that_reads(browser: Client) -> None:
    secret, line = shown(browser.post(PATH, {"name": "reader", "reads": "on"}))
    assert line == f"curl -H 'Authorization: Bearer {secret}' http://localhost:8000/api/network/"
    assert Token.objects.get().scope == Scope.READ_NETWORK


def test_the_owner_is_told_by_mail_without_the_secret(browser: Client) -> None:
    secret, _line = shown(browser.post(PATH, FORM))
    [message] = mail.outbox
    assert message.to == ["ann@example.org"]
    body = str(message.body)
    assert "the weather <station>" in body
    assert "http://localhost:8000/settings/tokens/" in body
    assert secret[7:] not in str(message.message())


def test_a_form_that_is_sent_twice_makes_one_token_and_shows_it_twice(browser: Client) -> None:
    form = FORM | {"form_key": new_key()}
    first, again = shown(browser.post(PATH, form)), shown(browser.post(PATH, form))
    assert first == again
    assert (Token.objects.count(), len(mail.outbox)) == (1, 1)
    # A key that no form has had is replaced.
    for key in ("", "x", "0" * 63, "g" * 64):
        shown(browser.post(PATH, FORM | {"form_key": key}))
    assert Token.objects.count() == 5


def test_the_password_is_asked_for_and_what_was_typed_is_kept(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    with minutes_later(16):
        assert client.get(PATH).status_code == 200
        assert client.post(PATH, FORM).status_code == 403
        wrong = client.post(PATH, FORM | {"again-password": "wrong"})
        assert not Token.objects.exists(), wrong.status_code
        secret, _line = shown(client.post(PATH, FORM | {"again-password": PASSWORD}))
    assert Token.objects.get().name == "the weather <station>"
    assert Program(secret).post({"text": "x"}).status_code == 201


@pytest.mark.parametrize(
    "form",
    [
        {"name": "nothing chosen"},
        {"name": "", "writes": "on"},
        {"name": " \n ", "writes": "on"},
        {"name": "x" * 61, "writes": "on"},
        {"name": "a\0b", "writes": "on"},
    ],
)
def test_a_form_that_says_too_little_or_too_much_is_shown_again(
    browser: Client, form: dict[str, str]
) -> None:
    answer = browser.post(PATH, form)
    assert answer.status_code == 422
    assert 'class="errorlist"' in answer.content.decode()
    assert not Token.objects.exists()


def test_nobody_has_more_than_so_many(ann: User, browser: Client) -> None:
    for _ in range(MOST):
        token_of(ann)
    answer = browser.post(PATH, FORM)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "20 is as many as fit" in page
    assert "the weather &lt;station&gt;" in page, "what was typed is still there"
    assert (Token.objects.count(), mail.outbox) == (MOST, [])
    browser.post(f"{PATH}{Token.objects.earliest('pk').pk}/revoke/")
    assert browser.post(PATH, FORM).status_code == 200


def test_making_is_limited(browser: Client, limited: Callable[..., None]) -> None:
    limited(token="1/1d")
    assert browser.post(PATH, FORM).status_code == 200
    refused = browser.post(PATH, FORM)
    assert (refused.status_code, Token.objects.count()) == (429, 1)
    assert "the weather &lt;station&gt;" in refused.content.decode()


def test_one_revokes_ones_own_by_a_button(ann: User, browser: Client) -> None:
    token_of(ann)
    bobs = token_of(member("bob"))
    mine, theirs = Token.objects.order_by("pk")
    for token in (mine, theirs):
        assert browser.get(f"{PATH}{token.pk}/revoke/").status_code == 405
        assert browser.post(f"{PATH}{token.pk}/revoke/")["Location"] == PATH
    assert [token.owner.username for token in Token.objects.all()] == ["bob"]
    token_of(ann)
    assert browser.post(f"{PATH}revoke/")["Location"] == PATH
    assert Program(bobs).get().status_code == 200
    assert Token.objects.count() == 1


def test_strangers_are_asked_to_sign_in(db: None) -> None:
    for path in (PATH, f"{PATH}revoke/", f"{PATH}1/revoke/"):
        assert Client().post(path).status_code == 403
    assert Client().get(PATH)["Location"].startswith("/accounts/login/")


def test_operators_see_which_there_are_and_revoke_them_and_see_no_digest(ann: User) -> None:
    token_of(ann, name="the weather <station>")
    token = Token.objects.get()
    admin = Client()
    admin.force_login(member("opera", is_staff=True, is_superuser=True))
    for path in ("/admin/tokens/token/", f"/admin/tokens/token/{token.pk}/change/"):
        page = admin.get(path).content.decode()
        assert "the weather &lt;station&gt;" in page
        assert "write_kwips" in page
        assert token.digest not in page
    assert admin.get("/admin/tokens/token/add/").status_code == 403
    admin.post(f"/admin/tokens/token/{token.pk}/delete/", {"post": "yes"})
    assert not Token.objects.exists()
    assert not Kwip.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tokens_made_at_once_are_counted_one_by_one() -> None:
    ann = member("ann")
    for _ in range(MOST - 1):
        token_of(ann)

    def make() -> bool:
        try:
            return bool(token_of(ann))
        except actions.TooMany:
            return False

    assert sorted(at_once([make] * 4)) == [False, False, False, True]
    assert Token.objects.count() == MOST
