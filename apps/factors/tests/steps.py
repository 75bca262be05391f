"""An app that shows codes, and the steps of a sign-in, for tests."""

import re
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from apps.accounts.models import User
from apps.factors import sealing
from tests.support.people import PASSWORD

START = 1_800_000_015.0  # the middle of a step


class Clock:
    """The time that the site sees: it stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def code_at(secret: str, moment: float | None = None) -> str:
    moment = time.time() if moment is None else moment
    return format_hotp_value(hotp_value(secret.replace(" ", ""), int(moment) // 30))


def signed_in(user: User, **options: str) -> Client:
    """A browser that entered the password a moment ago, and again."""
    client = Client(**options)
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def add_app(client: Client) -> tuple[str, list[str]]:
    """Adds an app. Returns its secret and the recovery codes."""
    page = client.get("/accounts/2fa/app/").content.decode()
    found = re.search(r'<textarea id="secret"[^>]*>([^<]+)<', page)
    assert found, page
    answer = client.post("/accounts/2fa/app/", {"code": code_at(found[1])})
    assert answer["Location"] == "/accounts/2fa/codes/", answer.content.decode()
    return found[1].replace(" ", ""), shown_codes(client)


def shown_codes(client: Client) -> list[str]:
    page = client.get("/accounts/2fa/codes/").content.decode()
    found = re.search(r'<textarea id="codes"[^>]*>([^<]+)<', page)
    return found[1].split("\n") if found else []


def secret_of(user: User) -> str:
    return sealing.unseal(Authenticator.objects.get(user=user, type="totp").data["secret"])


def enter_password(client: Client, user: User, password: str = PASSWORD) -> str:
    """Where the password leads."""
    answer = client.post("/accounts/login/", {"login": user.username, "password": password})
    return str(answer.get("Location", answer.status_code))


def enter_code(client: Client, code: str) -> str:
    """The result: "in", "wrong" or "limited"."""
    answer = client.post("/accounts/2fa/authenticate/", {"code": code})
    if answer.status_code == 302:
        assert answer["Location"] == "/accounts/2fa/trust/"
        client.post("/accounts/2fa/trust/", {"action": "skip"})
        return "in"
    return {422: "wrong", 429: "limited"}[answer.status_code]
