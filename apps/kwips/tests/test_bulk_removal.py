"""Bulk removals: in batches, exact, and resumed after an interruption."""

import io
import os
import signal
import subprocess
import sys
import uuid
from functools import partial

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions, tasks
from apps.kwips.models import Favourite, Kwip, KwipTag, Mention, Tombstone
from apps.kwips.tests.test_actions import counters_are_exact
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("opera", "opera@example.org", "a long password")


@pytest.fixture
def spam(ann: User, bob: User, publish, comment) -> list[Kwip]:
    """Ann's kwips of three kinds with comments, and her comments on bob's kwips."""
    kwips = [publish(ann, f"#tea @bob {number}", followers_only=number == 1) for number in range(6)]
    for kwip in kwips[:3]:
        for author in (ann, bob, bob):
            actions.favourite(kwip=comment(author, kwip, "#milk @ann"), user=bob)
    his = publish(bob)
    for author in (ann, bob, ann):
        actions.favourite(kwip=comment(author, his, "#milk"), user=ann)
    actions.favourite(kwip=kwips[0], user=bob)
    return kwips


def what_is_left_is_bobs() -> None:
    assert set(Kwip.objects.values_list("author__username", "thread__author__username")) == {
        ("bob", None),
        ("bob", "bob"),
    }
    counters_are_exact()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_batches_of_any_size_remove_all_of_it_exactly(ann: User, spam: list[Kwip], limit: int) -> None:
    rounds = written = 0
    while number := actions.delete_some_of(author_id=ann.pk, limit=limit):
        # A batch with its comments, if they are few.
        assert number <= 3 * limit
        counters_are_exact()
        rounds, written = rounds + 1, written + number
    what_is_left_is_bobs()
    assert written == Tombstone.objects.count() == 6 + 9 + 2
    assert rounds >= 17 / (3 * limit)
    assert Favourite.objects.count() == 1
    assert not Mention.objects.exists()
    assert KwipTag.objects.count() == 1


def test_a_long_conversation_goes_piece_by_piece(ann: User, bob: User, publish) -> None:
    kwip = publish(ann)
    Kwip.objects.bulk_create(Kwip(author=bob, thread=kwip, text="hm") for _ in range(25))
    Kwip.objects.filter(pk=kwip.pk).update(comments_count=25)
    User.objects.filter(pk=bob.pk).update(comments_count=25)
    pieces = []
    while number := actions.delete_piece(kwip_ids=[kwip.pk], limit=5):
        pieces.append(number)
        assert {user.comments_count for user in User.objects.filter(pk=bob.pk)} == {
            Kwip.objects.filter(author=bob).count()
        }
    assert pieces == [10, 10, 6]
    assert Tombstone.objects.count() == 26
    counters_are_exact()


def test_a_batch_passes_over_what_is_gone(ann: User, bob: User, publish, comment) -> None:
    gone, other = publish(ann), publish(bob)
    below = comment(ann, other)
    actions.delete(kwip=Kwip.objects.get(pk=gone.pk))
    assert actions.delete_all(kwip_ids=[gone.pk, below.pk, below.pk, 10**9]) == 1
    assert actions.delete_all(kwip_ids=[gone.pk, below.pk]) == 0
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_a_removal_beside_everything_else_waits_for_no_one_for_ever(
    ann: User, bob: User, spam: list[Kwip], publish
) -> None:
    """Two removals of the same kwips and one of bob's, concurrent with other actions."""

    def remove(author: User) -> None:
        while actions.delete_some_of(author_id=author.pk, limit=2):
            pass

    def talk(number: int) -> None:
        kwip = spam[number % len(spam)]
        try:
            made = actions.comment(author=bob, thread=kwip, text="hm", form_key=uuid.uuid4()).kwip
            actions.favourite(kwip=made, user=ann)
            actions.edit(kwip=kwip, text=f"other words {number}")
            actions.delete(kwip=made)
        except actions.Gone:
            pass

    at_once(
        [
            partial(remove, ann),
            partial(remove, ann),
            partial(remove, bob),
            *(partial(talk, number) for number in range(24)),
        ]
    )
    remove(bob)
    assert not Kwip.objects.exists()
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_the_queue_removes_it_in_as_many_commands_as_it_takes(
    ann: User, operator: User, spam: list[Kwip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    monkeypatch.setattr(tasks, "SECONDS", 0.0)
    assert tasks.begin_removing_written(person=ann, by=operator)
    assert not tasks.begin_removing_written(person=ann, by=operator), "once is enough"
    assert tasks.removals(ann) == tasks.removals() == 1
    # Each command enqueues the next one, which a worker that stops at an empty queue may not see.
    for _ in range(20):
        Worker(once=True).run()
        if not tasks.removals():
            break
    what_is_left_is_bobs()
    assert Command.objects.filter(state="done", task=tasks.remove_written.module_path).count() > 3
    notes = (
        LogEntry.objects.filter(object_id=str(ann.pk)).order_by("pk").values_list("change_message", flat=True)
    )
    assert list(notes) == [
        "Began to remove what they wrote.",
        "Removed what they wrote: 11 kwips and comments.",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_is_killed_goes_on_where_it_was(ann: User) -> None:
    Kwip.objects.bulk_create(Kwip(author=ann, text="buy pills") for _ in range(250))
    User.objects.filter(pk=ann.pk).update(kwips_count=250)
    with transaction.atomic():
        # The last batch waits for this lock, and is killed.
        Kwip.objects.select_for_update().get(pk=Kwip.objects.aggregate(last=Max("pk"))["last"])
        removing = subprocess.Popen(
            [sys.executable, "manage.py", "remove_written", "ann"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_NAME": str(connection.settings_dict["NAME"]), "STATIC_MANIFEST": "0"},
            stdout=subprocess.DEVNULL,
        )
        wait_for(lambda: Tombstone.objects.count() == 200)
        removing.kill()
        assert removing.wait(timeout=30) == -signal.SIGKILL
    assert Kwip.objects.count() == 50
    counters_are_exact()
    call_command("remove_written", "ann", stdout=io.StringIO())
    assert (Kwip.objects.count(), Tombstone.objects.count()) == (0, 250)
    counters_are_exact()


def test_what_was_asked_for_twice_is_removed_once(ann: User, operator: User, spam: list[Kwip]) -> None:
    ids = list(Kwip.objects.filter(author=ann).values_list("pk", flat=True))
    assert tasks.remove.call(ids, operator.pk) == 17
    assert tasks.remove.call(ids, operator.pk) == 0
    what_is_left_is_bobs()


def test_the_command_removes(ann: User, spam: list[Kwip]) -> None:
    output = io.StringIO()
    call_command("remove_written", "@Ann", stdout=output)
    assert "ann: 17 kwips and comments removed." in output.getvalue()
    what_is_left_is_bobs()


def test_the_command_with_an_unknown_name_does_nothing(ann: User, spam: list[Kwip]) -> None:
    before = Kwip.objects.count()
    with pytest.raises(CommandError, match="no such user: nemo; nothing was done"):
        call_command("remove_written", "ann", "nemo")
    assert Kwip.objects.count() == before
