"""Who has a role needs a second factor; the pages of the role close after some days without one."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.moderation import factor_duty
from apps.moderation.models import FactorDuty
from apps.moderation.roles import has_role, with_role
from tests.support.people import member

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("8.4.2")]

PAGES = ("/admin/", "/admin/accounts/user/", "/moderation/")


def operator() -> User:
    return member("opera", is_staff=True, is_superuser=True)


def moderator() -> User:
    person = member("mod")
    person.groups.add(Group.objects.get_or_create(name="moderators")[0])
    return person


def seen_for(person: User, days: float) -> None:
    since = timezone.now() - datetime.timedelta(days=days)
    FactorDuty.objects.update_or_create(person=person, defaults={"since": since})


def browser_of(person: User) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def test_who_has_a_role_is_found_by_index() -> None:
    people = [operator(), moderator(), member("stan", is_staff=True), member("sue", is_superuser=True)]
    people[0].groups.add(Group.objects.get_or_create(name="operators")[0])  # once, although twice
    for name, is_active in (("ann", True), ("gone", False)):
        member(name, is_staff=not is_active, is_active=is_active)
    assert sorted(with_role().values_list("pk", flat=True)) == sorted(person.pk for person in people)
    assert all(has_role(person) for person in people)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = with_role().explain()
    for index in ("user_staff", "user_superuser"):  # of groups there are few: any way to them will do
        assert index in plan, plan


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_of_an_operator_close_after_seven_days(path: str) -> None:
    person = operator()
    browser = browser_of(person)
    assert "you need a second factor here" in browser.get(path).content.decode(), (
        "it begins with the first visit"
    )
    seen_for(person, 6.9)
    assert browser.get(path).status_code == 200
    seen_for(person, 7.1)
    closed = browser.get(path)
    assert (closed.status_code, "/accounts/2fa/" in closed.content.decode()) == (403, True)
    TOTP.activate(person, generate_totp_secret())
    opened = browser.get(path)
    assert (opened.status_code, "you need a second factor" in opened.content.decode()) == (200, False)


def test_the_pages_of_a_moderator_close_too() -> None:
    person = moderator()
    browser = browser_of(person)
    assert "you need a second factor here" in browser.get("/moderation/").content.decode()
    seen_for(person, 7.1)
    for path in ("/moderation/", "/moderation/people/mod/"):
        assert browser.get(path).status_code == 403
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={})
    assert browser.get("/moderation/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor() -> None:
    person = operator()
    seen_for(person, 8)
    RecoveryCodes.activate(person)
    assert browser_of(person).get("/admin/").status_code == 403


def test_what_a_moderator_wrote_is_given_back() -> None:
    person = moderator()
    seen_for(person, 8)
    page = browser_of(person).post("/moderation/people/mod/note/", {"words": "kind, but <late>"})
    assert page.status_code == 403
    assert "kind, but &lt;late&gt;" in page.content.decode()


def test_the_closed_pages_leave_the_rest_of_the_site_open() -> None:
    person = operator()
    seen_for(person, 8)
    browser = browser_of(person)
    for path in ("/", "/settings/", "/accounts/2fa/", "/accounts/email/"):
        assert browser.get(path).status_code == 200
    assert browser.post("/admin/logout/").status_code in (200, 302)


def test_a_member_is_not_told() -> None:
    browser = browser_of(member("ann"))
    assert browser.get("/moderation/").status_code == 404
    assert not FactorDuty.objects.exists()


def test_the_days_begin_with_the_role_and_not_with_the_first_visit() -> None:
    person, clerk = moderator(), member("clerk", is_staff=True)
    ann = member("ann")
    assert factor_duty.note_all.call() == 2
    assert set(FactorDuty.objects.values_list("person_id", flat=True)) == {person.pk, clerk.pk}
    seen_for(person, 5)
    assert factor_duty.note_all.call() == 0
    left = factor_duty.due_at(person)
    assert left is not None
    assert left - timezone.now() < datetime.timedelta(days=2)
    assert not FactorDuty.objects.filter(person=ann).exists()


def test_who_loses_a_role_and_gets_it_again_has_new_days() -> None:
    person = moderator()
    seen_for(person, 30)
    person.groups.clear()
    factor_duty.note_all.call()
    assert not FactorDuty.objects.exists()


def test_operators_are_counted_who_have_none(django_assert_num_queries: Callable[..., Any]) -> None:
    person, clerk = operator(), member("clerk", is_staff=True)
    TOTP.activate(person, generate_totp_secret())
    member("ann")
    with django_assert_num_queries(1):
        assert factor_duty.without_factor() == [clerk.username]
