"""Fixtures: people and kwips, and the new notices."""

from collections.abc import Iterator

import pytest

from apps.commandqueue.models import Command
from apps.notifications import actions
from apps.notifications.events import NewNotice, Notified, notified
from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]


def run_commands() -> int:
    """Carries out the commands of notices that are enqueued now; returns how many."""
    found = list(Command.objects.filter(task__startswith="apps.notifications.actions").order_by("pk"))
    for command in found:
        task = getattr(actions, command.task.rpartition(".")[2])
        assert command.arguments
        task.func(*command.arguments["args"], **command.arguments["kwargs"])
    Command.objects.filter(pk__in=[command.pk for command in found]).delete()
    return len(found)


@pytest.fixture
def new_notices() -> Iterator[list[NewNotice]]:
    """The notices of each `notified`, in order; those of transactions that were rolled back too."""
    heard: list[NewNotice] = []

    def hear(event: Notified) -> None:
        heard.extend(event.notices)

    notified.within(hear)
    yield heard
    notified.subscribers_within.remove(hear)
