"""The same text many times waits for a moderator; so do first kwips while no moderator looks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.kwips import away, greeting, holding
from apps.kwips.models import Kwip, Withheld
from apps.kwips.repeated_texts import COMPARED, folded
from apps.limits.tests.clock import let_pass
from apps.policy.models import SitePolicy

pytestmark = pytest.mark.django_db

SPAM = "Cheap pills at https://pills.example/buy?id=7&utm_source=kwippy"
type Write = Callable[..., Kwip]


@pytest.fixture(autouse=True)
def two(settings) -> None:
    settings.LIMITS = settings.LIMITS | {"same_text": "2/1d", "same_text_new_accounts": "3/1d"}


@pytest.fixture
def old(ann: User) -> User:
    ann.joined_at = timezone.now() - timedelta(days=40)
    ann.save()
    return ann


def waits(kwip: Kwip) -> bool:
    return kwip.withheld == Withheld.HELD


@pytest.mark.parametrize(
    "same",
    [
        "cheap  PILLS at\nhttps://pills.example/buy?utm_source=elsewhere&id=7",
        "Cheap pills at http://www.pills.example/buy/?id=7&fbclid=IwAR0#top",
        "Ｃｈｅａｐ pi\u200blls at https://pills.example/buy?id=7",
    ],
)
def test_texts_are_the_same_without_case_spaces_and_tracking_parts(same: str) -> None:
    assert folded(same) == folded(SPAM)


@pytest.mark.parametrize(
    "other",
    ["Cheap pills at https://pills.example/buy?id=8", "Cheap pills at https://pills.example/sell?id=7"],
)
def test_other_links_are_other_texts(other: str) -> None:
    assert folded(other) != folded(SPAM)


def test_names_of_people_and_a_far_end_make_no_difference() -> None:
    assert folded("@ann here it is, all you need") == folded("@bob here it is, all you need")
    long = "all the same words. " * COMPARED
    assert folded(long + "1") == folded(long + "2")


def test_what_a_person_writes_too_often_waits(old: User, bob: User, publish: Write, comment: Write) -> None:
    thread = publish(bob, "let's talk")
    written = [publish(old, SPAM), comment(old, thread, SPAM.upper()), publish(old, SPAM)]
    assert [waits(kwip) for kwip in written] == [False, False, True]
    assert not waits(publish(old, "something else that is not short at all"))
    let_pass(86_401)
    assert not waits(publish(old, SPAM))


def test_what_new_accounts_write_too_often_waits(old: User, publish: Write) -> None:
    new = [User.objects.create_user(f"new{i}", f"new{i}@example.org") for i in range(4)]
    assert [waits(publish(person, SPAM)) for person in new] == [False, False, False, True]
    assert not waits(publish(old, SPAM)), "only new accounts are counted together"


def test_short_texts_operators_and_the_greeting_are_not_counted(old: User, publish: Write) -> None:
    assert not any(waits(publish(old, "good morning!")) for _ in range(4))
    SitePolicy(greeter=old, greeting=SPAM).save()
    assert not any(waits(publish(old, SPAM)) for _ in range(4))
    operator = User.objects.create_user("ops", "ops@example.org", is_staff=True)
    assert not any(waits(publish(operator, SPAM)) for _ in range(4))
    kwip = publish(User.objects.create_user("eve", "eve@example.org"), "my first")
    greeting.greet.call(kwip.pk)
    assert not waits(Kwip.objects.get(thread=kwip))


def test_the_text_itself_is_not_stored_with_its_count(old: User, publish: Write) -> None:
    publish(old, SPAM)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM limits_tries t")
        assert not [row for (row,) in cursor.fetchall() if "pills" in row]


def test_while_a_moderator_is_away_the_first_kwips_of_new_people_wait(
    bob: User, old: User, publish: Write, comment: Write
) -> None:
    assert not waits(publish(bob, "before"))
    SitePolicy(away_until=timezone.now() + timedelta(days=7)).save()
    thread = publish(old, "here for long")
    assert not waits(thread)
    held = [publish(bob, "one"), comment(bob, thread, "two")]
    assert all(map(waits, held))
    for kwip in held:
        holding.release(kwip=kwip)
    assert not waits(publish(bob, "three were seen")), away.FIRST
    vouched = User.objects.create_user("cee", "cee@example.org", is_vouched=True)
    assert not waits(publish(vouched, "somebody knows me"))
    SitePolicy(away_until=timezone.now() - timedelta(minutes=1)).save()
    dee = User.objects.create_user("dee", "dee@example.org")
    assert not waits(publish(dee, "the moderator is back"))
