"""Refused passwords, and the mail to an account's owner about failed sign-ins."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from apps.accounts.models import User
from apps.demo.builder import DEMO_PASSWORD
from apps.limits.tests.clock import let_pass
from tests.support.people import PASSWORD, member, signs_in, who_is_in


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.mark.asvs("6.2.11")
@pytest.mark.parametrize(
    "password",
    [
        DEMO_PASSWORD, "kwippy12", "kwippykwippy", "KwippyKwippy1!", "k.w.i.p.p.y.1", "12345kwip",
        "kwipping2026", "happykwipping!", "ｋｗｉｐｐｙ99", "mykwippy1", "teahouse", "TeaHouse2026",
        "teahouse-kwippy", "localtea1",
    ],
)  # fmt: skip
def test_a_password_of_the_sites_words_is_refused(password: str, settings) -> None:
    settings.SITE_NAME = "Tea House"
    settings.SITE_URL = "https://www.localtea.example"
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "something of your own?" in str(refused.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "seven green teapots", "I kwip about trains", "zq8#!vvR2p", "9152048830471"]
)
def test_a_password_that_only_has_such_a_word_in_it_is_taken(password: str) -> None:
    validate_password(password)


def guess(times: int, login: str = "ann") -> None:
    """Wrong passwords, each from another network."""
    for n in range(times):
        client = Client(REMOTE_ADDR=f"198.51.{n // 250}.{n % 250 + 1}")
        client.post("/accounts/login/", {"login": login, "password": "a guess"})


def test_the_owner_gets_one_mail_a_day_about_failed_sign_ins_and_is_never_locked_out(
    ann: User, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {"failed_sign_in_anywhere": "4/1d"}
    known = Client()
    known.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    known.post("/accounts/logout/")
    mail.outbox.clear()
    guess(4)
    assert not mail.outbox
    guess(4, "ann@example.org")
    [told] = mail.outbox
    assert told.to == ["ann@example.org"]
    assert "http://localhost:8000/accounts/password/change/" in str(told.body)
    known.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert who_is_in(known) == "ann"
    assert not signs_in("ann"), "a browser that she never used shows a code from a mail"
    mail.outbox.clear()
    let_pass(86_401)
    guess(5)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("state", ["unknown", "inactive", "unconfirmed"])
def test_only_active_owners_get_mail_about_failed_sign_ins(ann: User, settings, state: str) -> None:
    settings.LIMITS = settings.LIMITS | {"failed_sign_in_anywhere": "1/1d"}
    if state == "inactive":
        User.objects.update(is_active=False)
    elif state == "unconfirmed":
        EmailAddress.objects.update(verified=False)
    guess(3, "eve" if state == "unknown" else "ann")
    assert not mail.outbox
