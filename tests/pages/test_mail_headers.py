"""Typed text in mail headers: the form refuses it, or it stays one line of the message."""

from collections.abc import Iterator
from html import unescape

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.mail.headers import decoded, is_one_line
from apps.commandqueue.models import Command
from apps.contact.tests.form_data import filled
from tests.support.people import sign_up

pytestmark = pytest.mark.django_db
PASSWORD = "seven green teapots"

# Text for a header word or the local part of an address.
WORDS = [
    "=?utf-8?q?a?=",
    "=?UTF-8?B?YQ==?=",
    "=?utf-8?q?=0aBcc:x?=",
    "=?utf-8?q?=0d=0aBcc:_eve=40evil.example?=",
    "=?utf-8?q?=00?=",
    "=?x-bad?q?a?=",
    "=?x?y?z?=",
    "=??=",
    "=?utf-8?q?a?= =?utf-8?q?b?=",
    "a=?utf-8?q?b?=c",
    "=?utf-8?q?",
    "=?",
    "?=",
    "\r\nBcc:x",
    "\n x",
    "\x00",
    "\x7f",
    "\x85",
    "\u2028",
    '"',
    "\\",
    "(a",
    "a)",
    "<a>",
    "a,b",
    "a;b:c",
    "a@b",
    "@",
    "%0aBcc:x",
    "&#10;Bcc:x",
    "\U0001f375",
    "e\u0301",
    "\u202egnp",
    "\ud800",
    "x" * 70,
    "日本語のお茶" * 10,
]
ADDRESSES = [
    *(f"{word}@b.co" for word in WORDS),
    *(f"a@{word}.co" for word in WORDS),
    "a@b.co\r\nBcc: eve@evil.example",
    "a@=?utf-8?q?b?=",
    "a@xn--.co",
    f"a@{'x' * 64}.co",
    "a@exämple.org",
    # One more than the column length, and the maximum of Django's field.
    f"{'a' * 64}@{'.'.join(['x' * 60] * 3)}.example",
    f"{'a' * 64}@{'.'.join(['x' * 61] * 4)}.organic",
    '"=?utf-8?q?a?="@b.co',
    "a@b.co, eve@evil.example",
    "a <eve@evil.example>",
]
FIELDS = {
    "sign-up": (
        "/accounts/signup/",
        "email",
        {"username": "eve", "password1": PASSWORD, "password2": PASSWORD},
    ),
    "mistyped address": ("/accounts/confirm-email/change/", "email", {}),
    "reset": ("/accounts/password/reset/", "email", {}),
    "change of address": ("/accounts/email/", "email", {"action_add": ""}),
    "contact, name": ("/contact/", "name", {}),
    "contact, address": ("/contact/", "email", {}),
    "contact, subject": ("/contact/", "subject", {}),
    "name to show": ("/settings/", "display_name", {"bio": ""}),
}
# Not passwords, and no hidden keys.
SHOWN_AGAIN = {"username", "name", "email", "subject", "text"}
CASES = [
    pytest.param(field, typed, id=f"{field} {ascii(typed)[:40]}")
    for field in FIELDS
    for typed in (WORDS if field in ("contact, name", "contact, subject", "name to show") else ADDRESSES)
]


@pytest.fixture(autouse=True)
def queued(settings: LazySettings) -> None:
    settings.CONTACT_EMAIL = "operators@kwippy.example"
    settings.LIMITS = dict.fromkeys(settings.LIMITS)
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }


@pytest.fixture
def visitor(client: Client, request: pytest.FixtureRequest) -> Client:
    ann = User.objects.create_user("ann", "ann@example.org", PASSWORD)
    if request.node.callspec.params["field"] in ("change of address", "name to show"):
        client.login(username="ann", password=PASSWORD)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.force_login(ann, "apps.accounts.backends.CachedUserBackend")
    elif request.node.callspec.params["field"] == "mistyped address":
        sign_up(client, "typo", "typo@example.org")
        Command.objects.all().delete()
    return client


def outgoing() -> Iterator[str]:
    for command in Command.objects.exclude(body=None):
        yield from decoded(bytes(command.body or b""))


@pytest.mark.asvs("1.3.11", "1.1.1")
@pytest.mark.parametrize(("field", "typed"), CASES)
def test_what_ends_in_a_header_is_one_line_there_or_refused_beside_its_field(
    visitor: Client, field: str, typed: str
) -> None:
    path, name, others = FIELDS[field]
    rest = filled() if path == "/contact/" else others
    encoded = typed.encode("utf-8", "surrogatepass")
    answer = visitor.post(path, rest | {name: encoded.decode("utf-8", "replace")})
    assert answer.status_code in (200, 302, 422)
    assert all(is_one_line(header) for header in outgoing())
    assert not any(
        "evil.example" in recipient for row in Command.objects.all() for recipient in row.recipients
    )
    if answer.status_code != 302:
        assert answer.context["form"].errors.keys() == {name}
        page = unescape(answer.content.decode()).replace("\r\n", "\n")
        for other, value in rest.items():
            assert other not in SHOWN_AGAIN or other == name or value.replace("\r\n", "\n") in page
        assert not Command.objects.exists()


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "name to show"])
def test_an_encoded_word_is_refused_where_it_would_be_decoded(visitor: Client, field: str) -> None:
    path, name, others = FIELDS[field]
    word = "=?utf-8?q?a?="
    typed = word if name in ("name", "subject") else f"{word}@b.co"
    answer = visitor.post(path, (filled() if path == "/contact/" else others) | {name: typed})
    assert answer.context["form"].errors.keys() == {name}
    assert typed in unescape(answer.content.decode())
    assert not User.objects.filter(username="eve").exists()


def test_no_account_is_created_for_an_undeliverable_address() -> None:
    with pytest.raises(ValidationError, match="no address"):
        User.objects.create_user("eve", "=?utf-8?q?a?=@b.co")
