"""After the answer to a block no read shows a kwip of the blocked, however many write and read meanwhile."""

import os
import threading
import uuid
from dataclasses import dataclass, field

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.feeds import queries
from apps.graph import blocking
from apps.graph.actions import CannotFollow, follow
from apps.graph.models import Follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.concurrency import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

ROUNDS = 100 if os.environ.get("TORTURE") else 3
EACH = 8


@dataclass
class Race:
    """Bob writes and follows ann, ann reads, and blocks him."""

    ann: User
    bob: User
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    blocked: threading.Event = field(default_factory=threading.Event)
    # The readers go on after the block.
    done: threading.Barrier = field(default_factory=lambda: threading.Barrier(EACH + 1))

    def write(self) -> None:
        for _ in range(EACH):
            actions.publish(author=self.bob, text="hello", form_key=uuid.uuid4())
            try:
                follow(follower=self.bob, followee=self.ann)
            except CannotFollow:
                pass

    def read(self) -> None:
        for _ in range(EACH):
            self.read_once()
        connections.close_all()  # the block needs one
        self.done.wait(timeout=120)
        self.read_once()

    def read_once(self) -> None:
        viewer = self.ann.pk
        for timeline in (
            queries.network(viewer_id=viewer, following_count=1),
            queries.network(viewer_id=viewer, following_count=queries.FEW_FOLLOWEES + 1),
            queries.everyone(viewer_id=viewer),
            queries.person(viewer_id=viewer, person_id=self.bob.pk),
        ):
            shown = self.after if self.blocked.is_set() else self.before
            shown += [entry.id for entry in timeline.page({})]

    def block(self) -> None:
        blocking.block(blocker=self.ann, blocked=self.bob)
        self.blocked.set()
        self.done.wait(timeout=120)


def test_no_read_after_a_block_shows_the_blocked(ann: User, bob: User) -> None:
    for _ in range(ROUNDS):
        follow(follower=ann, followee=bob)
        race = Race(ann, bob)
        actions.publish(author=bob, text="hello", form_key=uuid.uuid4())
        race.read_once()
        at_once([*[race.write] * EACH, *[race.read] * EACH, race.block], threads=2 * EACH + 1)
        assert race.before
        assert race.after == []
        assert Kwip.objects.count() > EACH * EACH
        assert not Follow.objects.exists()
        blocking.unblock(blocker=ann, blocked=bob)
        Kwip.objects.all().delete()
