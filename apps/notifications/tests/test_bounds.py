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

pytestmark = pytest.mark.django_db(transaction=True)

type Write = Callable[..., Kwip]


def crowd(number: int) -> list[User]:
    return User.objects.bulk_create(
        User(username=f"fan{n}", email=f"fan{n}@example.org") for n in range(number)
    )


def tracked_by(kwip: Kwip, people: list[User]) -> None:
    Track.objects.bulk_create(Track(kwip=kwip, user=person) for person in people)


def run_commands() -> int:
    """Carries out the commands of notices; returns how many."""
    found = list(Command.objects.filter(task__startswith="apps.notifications").order_by("pk"))
    for command in found:
        task = getattr(actions, command.task.rpartition(".")[2])
        assert command.arguments
        task.func(*command.arguments["args"], **command.arguments["kwargs"])
    Command.objects.filter(pk__in=[command.pk for command in found]).delete()
    return len(found)


@pytest.mark.parametrize(("number", "commands"), [(actions.INLINE, 0), (actions.INLINE + 1, 1)])
def test_more_than_a_hundred_people_who_track_are_notified_by_a_command(
    ann: User, bob: User, publish: Write, comment: Write, number: int, commands: int
) -> None:
    kwip = publish(ann, "tea")
    tracked_by(kwip, crowd(number - 1))  # the author tracks it too
    comment(bob, kwip, "@fan3 and @ann")
    assert Notice.objects.count() == (2 if commands else number)
    assert run_commands() == commands
    assert Notice.objects.count() == number
    assert Notice.objects.filter(kind="mention").count() == 2
    comment(bob, kwip)
    assert run_commands() == commands
    assert Notice.objects.count() == number, "silent"


def test_a_command_works_in_batches_and_twice_notifies_no_one_twice(
    ann: User, bob: User, publish: Write, comment: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    kwip = publish(ann)
    tracked_by(kwip, crowd(actions.INLINE + 50))
    made = comment(bob, kwip)
    monkeypatch.setattr(actions, "BATCH", 40)
    assert Command.objects.filter(task__startswith="apps.notifications").count() == 1
    actions.notify_trackers.func(made.pk, kwip.pk)
    before = set(Notice.objects.values_list("pk", flat=True))
    assert len(before) == actions.INLINE + 51
    actions.notify_trackers.func(made.pk, kwip.pk)
    assert set(Notice.objects.values_list("pk", flat=True)) == before


def test_a_fact_for_many_notifies_by_commands(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person.pk for person in crowd(actions.INLINE + 5)]
    monkeypatch.setattr(actions, "BATCH", 60)
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


def statements(client: Client, path: str, **form: str) -> list[str]:
    """The statements of a form that is sent for the second time, without those that only begin or end."""
    client.post(path, form)
    with CaptureQueriesContext(connection) as captured:
        assert client.post(path, form).status_code == 302
    sent = [statement for query in captured for statement in query["sql"].split("; ")]
    framing = ("BEGIN", "COMMIT", "/* commented.sql */ SAVEPOINT", "/* mentioned.sql */ SAVEPOINT")
    return [statement for statement in sent if not statement.startswith(framing)]


def test_notices_are_one_statement_with_fifty_trackers_and_a_thousand_followers(
    client: Client, ann: User, bob: User, publish: Write
) -> None:
    client.force_login(bob)
    kwip, alone = publish(ann), publish(ann)
    people = crowd(1_000)
    tracked_by(kwip, people[:50])
    Follow.objects.bulk_create(Follow(follower=person, followee=bob) for person in people)
    sent = statements(client, f"/kwip/{kwip.pk}/comment/", text="hm", track="on")
    assert Notice.objects.filter(thread_id=kwip.pk).count() == 51
    assert len(sent) == len(statements(client, f"/kwip/{alone.pk}/comment/", text="hm", track="on"))
    notices = [statement for statement in sent if "notifications_" in statement]
    assert len(notices) == 1
    assert len(sent) <= 1.3 * (len(sent) - len(notices)), sent
    silent = statements(client, "/kwip/", text="to a thousand")
    assert not [statement for statement in silent if "notifications_" in statement], "it mentions no one"
    assert len(statements(client, "/kwip/", text="to a thousand, and @ann")) == len(silent) + 1


def test_a_persons_notices_go_with_them(ann: User, bob: User, publish: Write, comment: Write) -> None:
    comment(bob, publish(ann), "@ann")
    publish(ann, "@bob")
    assert Notice.objects.count() == 2
    ann.delete()
    assert not Notice.objects.exists()
