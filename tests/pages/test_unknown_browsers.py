"""CODE_FOR_UNKNOWN_BROWSERS: a password alone opens no account; a known browser is asked for nothing more."""

import re
import time
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import Client

from apps.accounts import leaving
from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.factors.tests import steps
from apps.securitylog import Event
from apps.securitylog.models import Entry
from tests.support.people import PASSWORD, link_to, member, sign_up, who_is_in

pytestmark = pytest.mark.django_db

CONFIRM = "/accounts/login/code/confirm/"
NEW = "staple battery horse"


@pytest.fixture
def ann(db: None, settings: Any) -> User:
    settings.CODE_FOR_UNKNOWN_BROWSERS = True
    return member("ann")


def sign_in(client: Client, login: str = "ann", password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": login, "password": password})


def code_to(address: str) -> str:
    [*sent] = [message for message in mail.outbox if message.to == [address]]
    found = re.search(r"\b(\d{4}-\d{4})\b", str(sent[-1].body))
    assert found, sent[-1].body
    return found[1]


def is_asked_for_code(answer: Any, client: Client) -> bool:
    return answer.status_code == 302 and answer["Location"] == CONFIRM and who_is_in(client) is None


@pytest.mark.asvs("6.3.3")
@pytest.mark.parametrize("login", ["ann", "Ann@example.org"])
def test_each_unknown_browser_shows_a_mailed_code_and_is_known_then(ann: User, login: str) -> None:
    for _ in range(2):
        client = Client()
        assert is_asked_for_code(sign_in(client, login), client)
        page = client.get(CONFIRM).content.decode()
        assert "know this browser yet" in page
        assert ann.email not in page, "a thief of the password need not know it"
        wrong = client.post(CONFIRM, {"code": "0000-0000"})
        assert "not the code we sent" in wrong.content.decode()
        assert who_is_in(client) is None
        client.post(CONFIRM, {"code": code_to(ann.email)})
        assert who_is_in(client) == "ann"
        client.post("/accounts/logout/")
        sign_in(client, login)
        assert who_is_in(client) == "ann", "it is known since"
    events = Entry.objects.filter(user_id=ann.pk).values_list("event", flat=True)
    assert {Event.CODE_ASKED, Event.CODE_FAILED, Event.SIGNED_IN} <= set(events)


def test_without_the_setting_the_password_is_enough(ann: User, settings: Any) -> None:
    settings.CODE_FOR_UNKNOWN_BROWSERS = False
    client = Client()
    sign_in(client)
    assert who_is_in(client) == "ann"
    assert not Entry.objects.filter(event=Event.CODE_ASKED).exists()


def test_it_is_off_unless_an_operator_sets_it() -> None:
    assert settings.CODE_FOR_UNKNOWN_BROWSERS is False


def test_a_wrong_password_sends_no_code(ann: User) -> None:
    for login in ("ann", "nobody"):
        client = Client()
        assert sign_in(client, login, "wrong").status_code == 200
        assert client.get(CONFIRM)["Location"].startswith("/accounts/login/")
    assert mail.outbox == []


def test_the_browser_of_a_new_account_is_known_by_its_confirmation_link(ann: User) -> None:
    client = Client()
    sign_up(client, "dora", "dora@example.org")
    client.get(link_to("dora@example.org"))
    assert who_is_in(client) == "dora"
    client.post("/accounts/logout/")
    sign_in(client, "dora")
    assert who_is_in(client) == "dora"
    other = Client()
    assert is_asked_for_code(sign_in(other, "dora"), other)


def test_a_link_that_is_opened_elsewhere_makes_that_browser_known(ann: User) -> None:
    """There the password is asked for: the link and the password are two factors."""
    first, other = Client(), Client()
    sign_up(first, "dora", "dora@example.org")
    other.post(link_to("dora@example.org"), {"password": PASSWORD})
    assert who_is_in(other) == "dora"
    assert is_asked_for_code(sign_in(first, "dora"), first)


def test_who_waits_for_a_code_may_ask_for_another_one_and_the_first_counts_no_more(ann: User) -> None:
    client = Client()
    sign_in(client)
    first = code_to(ann.email)
    assert "password" in client.get("/accounts/login/").content.decode(), "the form, not the way back"
    assert is_asked_for_code(sign_in(client), client)
    second = code_to(ann.email)
    assert first != second
    client.post(CONFIRM, {"code": first})
    assert who_is_in(client) is None
    client.post(CONFIRM, {"code": second})
    assert who_is_in(client) == "ann"


def test_a_second_factor_takes_the_place_of_the_code(ann: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ann, secret)
    client = Client()
    assert sign_in(client)["Location"] == "/accounts/2fa/authenticate/"
    assert who_is_in(client) is None
    assert mail.outbox == []
    assert steps.enter_code(client, steps.code_at(secret)) == "in"
    assert who_is_in(client) == "ann"


def test_recovery_codes_without_a_factor_do_not_take_its_place(ann: User) -> None:
    RecoveryCodes.activate(ann)
    assert Authenticator.objects.filter(user=ann).exists()
    client = Client()
    assert is_asked_for_code(sign_in(client), client)


def test_who_noted_the_cookie_of_a_shared_browser_is_not_known_to_who_signs_in_there_later(ann: User) -> None:
    shared, home, mallory = Client(), Client(), member("mallory")
    sign_in(shared, "mallory")
    shared.post(CONFIRM, {"code": code_to(mallory.email)})
    noted = shared.cookies[settings.KNOWN_BROWSER_COOKIE].value
    shared.post("/accounts/logout/")
    sign_in(shared)
    shared.post(CONFIRM, {"code": code_to(ann.email)})
    assert who_is_in(shared) == "ann"
    home.cookies[settings.KNOWN_BROWSER_COOKIE] = noted
    assert is_asked_for_code(sign_in(home), home)
    again = Client()
    again.cookies[settings.KNOWN_BROWSER_COOKIE] = noted
    sign_in(again, "mallory")
    assert who_is_in(again) == "mallory", "the name that it was noted for counts"


def test_after_signing_out_everywhere_no_browser_is_known(ann: User) -> None:
    client = Client()
    sign_in(client)
    client.post(CONFIRM, {"code": code_to(ann.email)})
    client.post("/accounts/sessions/end/")
    assert is_asked_for_code(sign_in(client), client)


def test_the_code_goes_to_a_confirmed_address_and_to_no_other(ann: User) -> None:
    """Also where an operator has changed the addresses in the admin."""
    EmailAddress.objects.filter(user=ann).update(verified=False)
    EmailAddress.objects.create(user=ann, email="old@example.org", verified=True)
    client = Client()
    assert is_asked_for_code(sign_in(client), client)
    assert [message.to for message in mail.outbox] == [["old@example.org"]]
    client.post(CONFIRM, {"code": code_to("old@example.org")})
    assert who_is_in(client) == "ann"
    assert not EmailAddress.objects.get(email=ann.email).verified


def test_without_a_confirmed_address_it_is_confirmed_first(ann: User) -> None:
    """As of an operator who was made by `createsuperuser`."""
    EmailAddress.objects.all().delete()
    client = Client()
    assert sign_in(client)["Location"] == "/accounts/confirm-email/"
    assert who_is_in(client) is None


def reset(client: Client, link: str) -> None:
    where = client.get(link)["Location"]
    assert client.post(where, {"password1": NEW, "password2": NEW}).status_code == 302


def test_who_set_a_password_by_a_link_has_shown_the_mail(ann: User) -> None:
    client, other, bob = Client(), Client(), member("bob")
    client.post("/accounts/password/reset/", {"email": ann.email})
    reset(client, link_to(ann.email))
    assert is_asked_for_code(sign_in(other, password=NEW), other), "another browser"
    bobs = sign_in(client, "bob")
    assert bobs["Location"] == CONFIRM, "another account"
    assert bob.pk
    sign_in(client, password=NEW)
    assert who_is_in(client) == "ann"


def test_a_link_counts_for_ten_minutes(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": ann.email})
    reset(client, link_to(ann.email))
    later = time.time() + settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT + 1
    monkeypatch.setattr("apps.accounts.browsers.time.time", lambda: later)
    assert is_asked_for_code(sign_in(client, password=NEW), client)


@pytest.mark.django_db(transaction=True)
def test_while_mail_is_down_nobody_gets_in_without_a_code_and_an_operator_lets_them_in(
    ann: User, settings: Any
) -> None:
    home = Client()
    sign_in(home)
    home.post(CONFIRM, {"code": code_to(ann.email)})
    home.post("/accounts/logout/")
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1, "timeout": 1},
        },
    }
    away = Client()
    assert is_asked_for_code(sign_in(away), away)
    Worker(once=True).run()
    for guess in ("", "0000-0000", "1234-5678"):
        away.post(CONFIRM, {"code": guess})
        assert who_is_in(away) is None
    sign_in(home)
    assert who_is_in(home) == "ann", "known browsers need no mail"
    out = StringIO()
    call_command("resetlink", "ann", stdout=out, stderr=StringIO())
    reset(away, out.getvalue().strip().removeprefix(settings.SITE_URL))
    sign_in(away, password=NEW)
    assert who_is_in(away) == "ann"


def test_the_password_alone_brings_nobody_back_who_is_leaving(ann: User) -> None:
    leaving.leave(user=ann)
    page = sign_in(Client()).content.decode()
    assert "leaves on" in page
    assert "/accounts/back/" not in page
    assert "in the mail that we sent when you left" in page


@pytest.mark.parametrize("known", [False, True], ids=["an unknown browser", "a known one"])
def test_the_password_alone_opens_no_appeal(
    known: bool, ann: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.accounts.adapter.ways_to_appeal", [lambda user: f"/objects/{user.username}/"])
    client = Client()
    sign_in(client)
    client.post(CONFIRM, {"code": code_to(ann.email)})
    client.post("/accounts/logout/")
    User.objects.filter(pk=ann.pk).update(is_active=False)
    page = sign_in(client if known else Client()).content.decode()
    assert "this account is asleep" in page
    assert ("/objects/ann/" in page) == known
    assert ("the mail that we sent says how to object" in page) != known
