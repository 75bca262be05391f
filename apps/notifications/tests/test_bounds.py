"""Many recipients, many notices: a command notifies, a sweep deletes."""

import datetime
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.graph.models import Follow
from apps.kwips.models import Kwip, Track
from apps.notifications import actions
from apps.notifications.models import Notice
from apps.notifications.registry import KINDS, Draft
from apps.notifications.statements import INLINE, TRACKERS
from apps.notifications.tests.conftest import run_commands

pytestmark = pytest.mark.django_db(transaction=True)

type Write = Callable[..., Kwip]


def crowd(number: int) -> list[User]:
    return User.objects.bulk_create(
        User(username=f"fan{n}", email=f"fan{n}@example.org") for n in range(number)
    )


def tracked_by(kwip: Kwip, people: list[User]) -> None:
    Track.objects.bulk_create(Track(kwip=kwip, user=person) for person in people)


@pytest.mark.parametrize(("number", "commands"), [(INLINE, 0), (INLINE + 1, 1)])
def test_more_than_ten_notices_of_a_comment_are_written_by_a_command(
    ann: User, bob: User, publish: Write, comment: Write, number: int, commands: int
) -> None:
    kwip = publish(ann, "tea")
    tracked_by(kwip, crowd(number - 1))  # the author tracks it too
    comment(bob, kwip, "@fan3 and @ann")
    assert Notice.objects.count() == (0 if commands else number)
    assert run_commands() == commands
    assert Notice.objects.count() == number
    assert Notice.objects.filter(kind="mention").count() == 2
    comment(bob, kwip)
    assert run_commands() == 0
    assert Notice.objects.count() == number, "silent"


def test_a_comment_reads_a_hundred_trackers_and_a_command_reads_more(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    tracked_by(kwip, crowd(TRACKERS))
    for _ in range(2):
        comment(bob, kwip)
        assert run_commands() == 1
        assert Notice.objects.count() == TRACKERS + 1


@pytest.mark.parametrize(("number", "commands"), [(INLINE, 0), (INLINE + 1, 1)])
def test_more_than_ten_mentions_in_a_kwip_are_written_by_a_command(
    bob: User, publish: Write, number: int, commands: int
) -> None:
    publish(bob, " ".join(f"@{person.username}" for person in crowd(number)))
    assert Notice.objects.count() == (0 if commands else number)
    assert run_commands() == commands
    assert Notice.objects.filter(kind="mention").count() == number


def test_a_command_works_in_batches_and_twice_notifies_no_one_twice(
    ann: User, bob: User, publish: Write, comment: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    kwip = publish(ann)
    tracked_by(kwip, crowd(TRACKERS + 50))
    made = comment(bob, kwip)
    monkeypatch.setattr(actions, "BATCH", 40)
    assert Command.objects.filter(task__startswith="apps.notifications.actions").count() == 1
    actions.notify_commented.func(made.pk, kwip.pk)
    before = set(Notice.objects.values_list("pk", flat=True))
    assert len(before) == TRACKERS + 51
    actions.notify_commented.func(made.pk, kwip.pk)
    assert set(Notice.objects.values_list("pk", flat=True)) == before


def test_a_fact_for_many_notifies_by_commands(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person.pk for person in crowd(INLINE + 5)]
    monkeypatch.setattr(actions, "BATCH", 8)
    actions.notify(kind=KINDS["follow"], draft=Draft([*people, ann.pk], ann.pk))
    assert not Notice.objects.exists()
    assert run_commands() == 2
    assert set(Notice.objects.values_list("recipient", flat=True)) == set(people), "not the actor"


def test_old_notices_and_those_beyond_the_newest_are_swept(
    ann: User, bob: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTICE_DAYS = 30
    monkeypatch.setattr(actions, "MAX_NOTICES", 10)
    now = timezone.now()
    for person, days in ((ann, 0), (ann, 1), (bob, 29), (bob, 31)):
        Notice.objects.bulk_create(
            Notice(
                recipient=person, kind="follow", subject=days * 100 + n, grouping="x",
                notified_at=now - datetime.timedelta(days=days),
            )
            for n in range(4 if person == bob else 8)
        )  # fmt: skip
    newest = list(Notice.objects.filter(recipient=ann).order_by("-pk").values_list("pk", flat=True)[:10])
    assert actions.sweep() == 6 + 4
    assert list(Notice.objects.filter(recipient=ann).order_by("-pk").values_list("pk", flat=True)) == newest
    assert (
        Notice.objects.filter(recipient=bob, notified_at__lt=now - datetime.timedelta(days=30)).count() == 0
    )
    assert actions.sweep() == 0


def messages(client: Client, path: str, **form: str) -> list[str]:
    """The messages to PostgreSQL of a form that is sent for the second time."""
    client.post(path, form)
    with CaptureQueriesContext(connection) as captured:
        assert client.post(path, form).status_code == 302
    return [query["sql"] for query in captured]


def test_notices_cost_no_message_with_fifty_trackers_and_a_thousand_followers(
    client: Client, ann: User, bob: User, publish: Write
) -> None:
    User.objects.filter(pk=bob.pk).update(is_vouched=True)  # mentions of new accounts are counted
    client.force_login(bob)
    kwip, alone = publish(ann), publish(ann)
    people = crowd(1_000)
    tracked_by(kwip, people[:50])
    Follow.objects.bulk_create(Follow(follower=person, followee=bob) for person in people)
    silent = len(messages(client, f"/kwip/{alone.pk}/comment/", text="hm", track="on"))
    first = len(messages(client, f"/kwip/{kwip.pk}/comment/", text="hm", track="on"))
    assert first == silent + 1, "the command"
    assert run_commands() == 2
    assert Notice.objects.filter(thread_id=kwip.pk).count() == 51
    assert len(messages(client, f"/kwip/{kwip.pk}/comment/", text="hm", track="on")) == silent
    assert run_commands() == 0
    plain = len(messages(client, "/kwip/", text="to a thousand"))
    assert len(messages(client, "/kwip/", text="to a thousand, and @ann")) == plain


def test_a_persons_notices_go_with_them(ann: User, bob: User, publish: Write, comment: Write) -> None:
    comment(bob, publish(ann), "@ann")
    publish(ann, "@bob")
    assert Notice.objects.count() == 2
    ann.delete()
    assert not Notice.objects.exists()
