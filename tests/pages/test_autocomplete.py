"""Password managers: each field says what belongs into it, and takes what is pasted."""

from html.parser import HTMLParser

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.pages.test_pages import addresses, ann
from tests.support.people import sign_up

__all__ = ["ann"]
pytestmark = pytest.mark.django_db(transaction=True)

# By the field's name. The admin's `username` of its sign-in is allauth's `login`.
EXPECTED = {
    "login": "username",
    "username": "username",
    "email": "email",
    "password": "current-password",
    "oldpassword": "current-password",
    "password1": "new-password",
    "password2": "new-password",
    "code": "one-time-code",
}
# The name of somebody else is none that a password manager knows.
OF_OTHERS = {"/settings/blocks/": "off"}
VISITORS = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/back/token/",
    "/admin/login/",
    "/contact/",
)
SECRET_TYPES = ("password", "email")


class Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            self.found.append({name: value or "" for name, value in attrs})


def fields_of(client: Client, path: str) -> list[dict[str, str]]:
    parser = Fields()
    parser.feed(client.get(path, follow=True).content.decode())
    shown = [
        field for field in parser.found if field.get("type") not in ("hidden", "submit", "radio", "checkbox")
    ]
    return [field for field in shown if field.get("name") in EXPECTED or field.get("type") in SECRET_TYPES]


@pytest.mark.asvs("6.2.7")
def test_each_field_of_a_credential_says_what_belongs_into_it(ann: User) -> None:
    visitor, member, applicant = Client(), Client(), Client()
    member.force_login(ann)
    sign_up(applicant, "newcomer", "newcomer@example.org")
    pages = [
        *((visitor, path) for path in VISITORS),
        *((member, path) for path in [*addresses(True), "/accounts/reauthenticate/", "/settings/name/"]),
        (applicant, "/accounts/confirm-email/"),
    ]
    names = set()
    for client, path in pages:
        for field in fields_of(client, path):
            name = field["name"]
            assert name in EXPECTED, f"{path}: nothing says what belongs into {name}"
            expected = OF_OTHERS.get(path) or EXPECTED[name]
            assert field.get("autocomplete") == expected, f"{path}: {field}"
            if field.get("type") == "password":
                assert not {"onpaste", "maxlength", "readonly"} & set(field), f"{path}: {field}"
            names.add(name)
    assert names >= {"login", "email", "password", "oldpassword", "password1", "password2"}
