"""Members, sign-up and sign-in through Django's test client, and links in mail."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from apps.accounts.models import User

PASSWORD = "correct horse battery"


def member(name: str, **fields: bool) -> User:
    """A user with a confirmed address."""
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def link_to(address: str) -> str:
    """The path of the first link in the newest mail to ``address``."""
    message = next(message for message in reversed(mail.outbox) if message.to == [address])
    found = re.search(r"https?://[^/\s]+(/\S+)", str(message.body))
    assert found, message.body
    return found[1]


def sign_up(client: Client, name: str, email: str, password: str = PASSWORD):
    form = {"username": name, "email": email, "password1": password, "password2": password}
    return client.post("/accounts/signup/", form)


def signs_in(login: str, password: str = PASSWORD) -> bool:
    """Whether a new browser can sign in."""
    client = Client()
    client.post("/accounts/login/", {"login": login, "password": password})
    return who_is_in(client) is not None


def who_is_in(client: Client) -> str | None:
    """The user name of the signed-in browser, or None."""
    page = client.get("/settings/")
    if page.status_code != 200:
        return None
    found = re.search(r'data-viewer="(\w+)"', page.content.decode())
    assert found
    return found[1]


@contextmanager
def minutes_later(minutes: float) -> Iterator[None]:
    """What asks for the password again takes it to be so much later."""
    at = time.time() + 60 * minutes
    with patch("apps.accounts.reauthentication.time.time", return_value=at):
        yield
