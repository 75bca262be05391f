"""Lost second factors are taken off after three days, several mails, and many ways to stop it."""

import datetime
import io
import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts import factor_resets
from apps.accounts.models import FactorReset, User
from apps.securitylog.models import Entry
from tests.support.people import PASSWORD, member, who_is_in

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("6.4.4")]

ADDRESSES = ["ann@example.org", "ann@example.net"]


@pytest.fixture
def ann() -> User:
    person = member("ann")
    EmailAddress.objects.create(user=person, email="ann@example.net", verified=True)
    EmailAddress.objects.create(user=person, email="eve@example.org", verified=False)
    TOTP.activate(person, generate_totp_secret())
    RecoveryCodes.activate(person)
    mail.outbox.clear()
    return person


def days_pass(days: float) -> int:
    """What the recurring task does, after so many more days."""
    reset = FactorReset.objects.get()
    span = datetime.timedelta(days=days)
    FactorReset.objects.update(asked_at=reset.asked_at, due_at=reset.due_at - span)
    return factor_resets.reset_due.call()


def mailed() -> list[str]:
    found = [address for message in mail.outbox for address in message.to]
    mail.outbox.clear()
    return found


def path_in_mail() -> str:
    found = re.search(r"http://localhost:8000(/accounts/2fa/stay/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_after_three_days_and_two_mails_the_password_is_enough(ann: User) -> None:
    browser = Client()
    Authenticator.objects.all().delete()
    browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    TOTP.activate(ann, generate_totp_secret())
    RecoveryCodes.activate(ann)
    mail.outbox.clear()
    call_command("resetfactors", "@Ann", stdout=io.StringIO())
    assert mailed() == ADDRESSES, "the confirmed ones"
    assert (days_pass(1.9), mailed()) == (0, [])
    assert (days_pass(0.2), mailed()) == (0, ADDRESSES), "a day before"
    assert (days_pass(0.5), mailed()) == (0, [])
    assert Authenticator.objects.filter(user=ann).count() == 2
    assert who_is_in(browser) == "ann"
    assert (days_pass(0.5), mailed()) == (1, ADDRESSES)
    assert not Authenticator.objects.exists()
    assert not FactorReset.objects.exists()
    assert who_is_in(browser) is None
    new = Client()
    new.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert who_is_in(new) == "ann"
    events = list(Entry.objects.filter(user_id=ann.pk).order_by("pk").values_list("event", flat=True))
    assert [event for event in events if "factors_reset" in event] == ["factors_reset_asked", "factors_reset"]


def test_a_worker_that_was_down_mails_first_and_waits_a_day(ann: User) -> None:
    factor_resets.ask(person=ann, by=None)
    mailed()
    assert (days_pass(10), mailed()) == (0, ADDRESSES)
    left = FactorReset.objects.get().due_at - timezone.now()
    assert datetime.timedelta(hours=23) < left < datetime.timedelta(hours=25)
    assert (days_pass(1), mailed()) == (1, ADDRESSES)


@pytest.mark.django_db(transaction=True)
def test_one_persons_failure_stops_no_others(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = member("bob")
    TOTP.activate(bob, generate_totp_secret())
    for person in (ann, bob):
        factor_resets.ask(person=person, by=None)
    now = timezone.now()
    FactorReset.objects.update(is_reminded=True, due_at=now)
    FactorReset.objects.filter(pk=ann.pk).update(due_at=now - datetime.timedelta(hours=1))
    end_sessions = factor_resets.leaving.end_sessions

    def fail_for_ann(person_id: int) -> None:
        if person_id == ann.pk:
            raise ValueError
        end_sessions(person_id)

    monkeypatch.setattr("apps.accounts.leaving.end_sessions", fail_for_ann)
    with pytest.raises(RuntimeError, match="of 1 people"):
        factor_resets.reset_due.call()
    assert not Authenticator.objects.filter(user=bob).exists()
    assert FactorReset.objects.get().pk == ann.pk
    assert Authenticator.objects.filter(user=ann).count() == 2, "all of a person's, or nothing"
    monkeypatch.setattr("apps.accounts.leaving.end_sessions", end_sessions)
    assert factor_resets.reset_due.call() == 1


def test_the_link_in_the_mail_stops_it_and_works_once(ann: User) -> None:
    factor_resets.ask(person=ann, by=None)
    path, visitor = path_in_mail(), Client()
    assert visitor.get(path).status_code == 200
    assert FactorReset.objects.exists(), "a mail scanner follows links"
    assert visitor.post(path).status_code == 302
    assert not FactorReset.objects.exists()
    assert visitor.post(path).status_code == 410
    # A link of an earlier time stops no later one.
    factor_resets.ask(person=ann, by=None)
    assert visitor.post(path).status_code == 410
    assert FactorReset.objects.exists()
    assert visitor.get("/accounts/2fa/stay/forged:x:y/").status_code == 410


def test_a_page_of_the_settings_stops_it(ann: User) -> None:
    browser, other = Client(), Client()
    browser.force_login(ann)
    assert browser.get("/accounts/2fa/reset/").status_code == 410
    assert "/accounts/2fa/reset/" not in browser.get("/settings/").content.decode()
    factor_resets.ask(person=ann, by=None)
    assert "/accounts/2fa/reset/" in browser.get("/settings/").content.decode()
    other.force_login(member("bob"))
    assert other.post("/accounts/2fa/reset/").status_code == 410
    assert FactorReset.objects.exists()
    assert browser.get("/accounts/2fa/reset/").status_code == 200
    assert browser.post("/accounts/2fa/reset/")["Location"] == "/settings/"
    assert not FactorReset.objects.exists()
    assert Authenticator.objects.filter(user=ann).count() == 2


def test_signing_in_with_a_factor_stops_it(ann: User) -> None:
    codes = RecoveryCodes(Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES))
    code = codes.get_unused_codes()[0]
    factor_resets.ask(person=ann, by=None)
    browser = Client()
    browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert FactorReset.objects.exists(), "the password alone says nothing"
    browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert FactorReset.objects.exists()
    browser.post("/accounts/2fa/authenticate/", {"code": code})
    assert not FactorReset.objects.exists()
    assert Entry.objects.filter(event="factors_reset_cancelled", user_id=ann.pk).count() == 1


def test_asking_twice_keeps_the_date_and_mails_once(ann: User) -> None:
    opera = member("opera", is_staff=True, is_superuser=True)
    first = factor_resets.ask(person=ann, by=opera)
    FactorReset.objects.update(due_at=first.due_at - datetime.timedelta(days=1.5))
    mailed()
    again = factor_resets.ask(person=ann, by=None)
    assert again.due_at < first.due_at
    assert mailed() == []


def test_who_took_them_off_meanwhile_hears_no_more(ann: User) -> None:
    factor_resets.ask(person=ann, by=None)
    days_pass(2.5)
    Authenticator.objects.all().delete()
    mailed()
    assert (days_pass(2), mailed()) == (0, [])
    assert not FactorReset.objects.exists()


def test_the_command_line_says_what_it_did(ann: User) -> None:
    with pytest.raises(CommandError, match="no such user"):
        call_command("resetfactors", "nobody")
    member("bob")
    with pytest.raises(CommandError, match="no second factor"):
        call_command("resetfactors", "bob")
    with pytest.raises(CommandError, match="nothing waits"):
        call_command("resetfactors", "ann", stop=True)
    said = io.StringIO()
    call_command("resetfactors", "ann", stdout=said)
    call_command("resetfactors", "ann", stop=True, stdout=said)
    assert "ann is mailed" in said.getvalue()
    assert not FactorReset.objects.exists()


@pytest.mark.parametrize(("role", "begun"), [("operator", True), ("clerk", False)])
def test_operators_begin_it_in_the_admin_and_nobody_else(ann: User, role: str, begun: bool) -> None:
    from django.contrib.auth.models import Permission

    person = member("opera", is_staff=True, is_superuser=role == "operator")
    person.user_permissions.add(*Permission.objects.filter(codename__in=["change_user", "view_user"]))
    browser = Client()
    browser.force_login(person)
    form = {"action": "reset_factors", "_selected_action": str(ann.pk)}
    browser.post("/admin/accounts/user/", form)
    assert FactorReset.objects.filter(user=ann).exists() == begun
    if begun:
        assert FactorReset.objects.get().asked_by == person
        assert mailed() == ADDRESSES
