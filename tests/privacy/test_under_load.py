"""What is withheld is not readable after the response, while 16 write and 16 read.

Each change waits before its commit until readers have cached the pages of before once more.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from apps.accounts import leaving
from apps.accounts.actions import set_private
from apps.accounts.models import User
from apps.commandqueue.tests.conftest import wait_for
from apps.feeds.queries import FEW_FOLLOWEES
from apps.graph import blocking
from apps.graph.actions import CannotFollow, follow
from apps.graph.models import Follow
from apps.kwips import actions, narrowing
from apps.kwips.models import Kwip
from apps.moderation import actions as moderation
from apps.moderation import cases
from apps.moderation.models import Case, Reason, What
from tests.privacy.world import reply, write
from tests.support.concurrency import uncommitted
from tests.support.edge import edge
from tests.support.http import Member, Visitor
from tests.support.people import member
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20 if os.environ.get("TORTURE") else 1
READERS = WRITERS = 16
EDGE_SECONDS = 2.5  # nginx may cache a page for a second, and counts whole ones
DOCUMENT = "/everyone/feed.atom"
EVERYWHERE = ("/", "/everyone/", "/tag/tea/", DOCUMENT)


@dataclass
class Scene:
    """An author with a kwip, and people who know them: `bob` follows few, `bea` many."""

    author: User
    canary: str
    people: dict[str, User]
    kwip: Kwip = field(init=False)
    paths: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.kwip = write(self.author, f"{self.canary} #tea")
        his = write(self.people["hal"], "milk #tea")
        name = self.author.username
        own = (f"/{name}/", f"/{name}/kwip/{self.kwip.pk}/", f"/hal/kwip/{his.pk}/")
        self.paths = [*EVERYWHERE, *own]
        self.his = his


type Step = Callable[[], object]


def suspend(scene: Scene) -> list[Step]:
    return [partial(moderate, scene, What.SUSPEND, None)]


def hide(scene: Scene) -> list[Step]:
    moderation.report(
        thing=cases.of_kwip(scene.kwip), reporter=scene.people["bob"], reason=Reason.SPAM, words=""
    )
    return [partial(moderate, scene, What.HIDE, Case.objects.get(subject=scene.kwip.pk))]


def moderate(scene: Scene, what: What, case: Case | None) -> None:
    by = scene.people["moe"]
    moderation.act(what=what, person=scene.author, by=by, reason=Reason.SPAM, case=case)


def go_private(scene: Scene) -> list[Step]:
    """The author's kwips so far become followers-only by a command."""

    def begin() -> None:
        set_private(user=scene.author, is_private=True)
        narrowing.begin(person=scene.author)

    def narrow() -> None:
        while narrowing.narrow_batch(scene.author.pk) is not None:
            pass

    return [begin, narrow]


def block(scene: Scene) -> list[Step]:
    both = (scene.people["bob"], scene.people["bea"])
    return [lambda: [blocking.block(blocker=each, blocked=scene.author) for each in both]]


def leave(scene: Scene) -> list[Step]:
    return [lambda: leaving.leave(user=scene.author)]


@dataclass(frozen=True)
class Change:
    """``kwips`` and ``comments``: whether those that the author writes meanwhile are withheld, too.

    Without ``from_anonymous`` it is withheld from some members alone, who read no documents.
    """

    steps: Callable[[Scene], list[Step]]
    kwips: bool
    comments: bool
    from_followers: bool = True
    from_anonymous: bool = True


CHANGES = {
    "suspending": Change(suspend, kwips=True, comments=True),
    "hiding": Change(hide, kwips=False, comments=False),
    "going private": Change(go_private, kwips=True, comments=False, from_followers=False),
    "blocking": Change(block, kwips=True, comments=True, from_anonymous=False),
    "leaving": Change(leave, kwips=True, comments=True),
}


@dataclass
class Reader:
    """Requests the pages in turn; notes when each request began, and what it showed."""

    visitor: Visitor
    grace: float  # seconds after the response in which an old page may be shown
    reads: list[tuple[float, str, bool]] = field(default_factory=list)

    def read(self, scene: Scene, over: threading.Event) -> None:
        for path in cycle(scene.paths):
            if over.is_set():
                return
            self.read_one(scene, path)

    def read_one(self, scene: Scene, path: str) -> None:
        began = time.monotonic()
        answer = self.visitor.get(path)
        assert answer.status in (200, 404), (path, answer.status)
        self.reads.append((began, path, scene.canary in answer.text))

    def leaks(self, done: float) -> list[str]:
        return [path for began, path, has_canary in self.reads if has_canary and began > done + self.grace]


@pytest.mark.parametrize("name", CHANGES)
def test_after_the_response_no_one_reads_what_is_withheld(name: str, memcached: str, tmp_path: Path) -> None:
    people = {name: member(name) for name in ("bob", "bea", "hal", "fay", "moe")}
    people["moe"].groups.add(Group.objects.get_or_create(name="moderators")[0])
    _follow_many(people["bea"])
    with (
        served(memcached=memcached, patient=True) as port,
        edge(tmp_path / "edge", gunicorn=port) as nginx,
    ):
        for number in range(ROUNDS):
            scene = Scene(member(f"ann{number}"), f"canary{number}x", people)
            _run(CHANGES[name], scene, port, nginx.port)


def _follow_many(person: User) -> None:
    """So many that the other plan of the network reads their page."""
    names = [f"user{number}" for number in range(FEW_FOLLOWEES)]
    others = User.objects.bulk_create(User(username=name, email=f"{name}@example.org") for name in names)
    Follow.objects.bulk_create(Follow(follower=person, followee=other) for other in others)
    User.objects.filter(pk=person.pk).update(following_count=len(others))


def _run(change: Change, scene: Scene, port: int, edge_port: int) -> None:
    if not change.from_anonymous:
        scene.paths.remove(DOCUMENT)
    if change.from_followers:
        for name in ("bob", "bea"):
            follow(follower=scene.people[name], followee=scene.author)
    readers = list(_readers(change, scene, port, edge_port))
    over = threading.Event()
    connections.close_all()
    with ThreadPoolExecutor(READERS + WRITERS) as pool:
        running = [pool.submit(reader.read, scene, over) for reader in readers]
        try:
            _wait_for_a_round(readers, scene)
            running += [pool.submit(turn, over) for turn in _writers(change, scene)]
            for step in change.steps(scene):
                with uncommitted():
                    step()
                    _wait_for_a_round(readers, scene)
            done = time.monotonic()
            _wait_for_a_round(readers, scene)
        finally:
            over.set()
        for future in running:
            future.result()
    time.sleep(max(0.0, done + EDGE_SECONDS - time.monotonic()))
    for reader in (readers[0], readers[-1]):
        for path in scene.paths:
            reader.read_one(scene, path)
    before = {path for reader in readers for began, path, has_canary in reader.reads if has_canary}
    assert before >= {*scene.paths} - {scene.paths[-1]}, "each page showed it before"
    assert [leak for reader in readers for leak in reader.leaks(done)] == []
    _assert_withheld(change, scene)


def _readers(change: Change, scene: Scene, port: int, edge_port: int) -> Iterator[Reader]:
    """Members and anonymous visitors, directly; the last four through the edge."""
    members = [Member(port, scene.people[name]) for name in ("bob", "bea")]
    at_edge: Visitor = Visitor(edge_port)
    at_edge.cookies = {}
    direct = Visitor(port)
    direct.cookies = {}
    if not change.from_anonymous:
        at_edge = Member(edge_port, scene.people["bob"])
    kinds: list[Visitor] = [*members, *([direct, direct] if change.from_anonymous else members)]
    yield from (Reader(visitor, 0) for visitor in kinds * ((READERS - 4) // 4))
    yield from (Reader(at_edge, EDGE_SECONDS) for _ in range(4))


def _writers(change: Change, scene: Scene) -> Iterator[Callable[[threading.Event], None]]:
    """The author, and others on the same pages. As many at once as there are connections left."""
    places = threading.Semaphore(2)
    author, hal, fay = scene.author, scene.people["hal"], scene.people["fay"]

    def text(*, withheld: bool) -> str:
        """Only what is withheld comes to the lists of tags."""
        return f"{scene.canary} {uuid.uuid4()} #tea" if withheld else f"more {uuid.uuid4()}"

    def publish() -> None:
        """Unless that would push the one kwip that is withheld from the first pages."""
        if change.kwips:
            write(author, text(withheld=True))
            write(hal, "milk")
        else:
            reply(author, scene.kwip, text(withheld=False))

    def edit() -> None:
        actions.edit(kwip=scene.his, text=text(withheld=False))
        try:
            follow(follower=author, followee=scene.people["bob"])
        except CannotFollow:
            pass

    turns: list[Step] = [
        publish,
        lambda: reply(author, scene.his, text(withheld=change.comments)),
        lambda: reply(fay, scene.kwip, text(withheld=False)),
        edit,
    ]

    def run(turn: Step, over: threading.Event) -> None:
        while not over.is_set():
            with places:
                try:
                    turn()
                except actions.Gone:
                    pass  # one does not comment on what is withheld
                finally:
                    connections.close_all()

    yield from (partial(run, turn) for turn in turns * (WRITERS // 4))


def _wait_for_a_round(readers: list[Reader], scene: Scene) -> None:
    """Until each reader has begun and ended to read each page."""
    goals = [len(reader.reads) + len(scene.paths) + 1 for reader in readers]

    def is_reached() -> bool:
        return all(len(reader.reads) >= goal for reader, goal in zip(readers, goals, strict=True))

    wait_for(is_reached, seconds=120)


def _assert_withheld(change: Change, scene: Scene) -> None:
    """The rows say the same, those too that were written at the moment of the change."""
    rows = Kwip.objects.filter(author=scene.author, text__startswith=scene.canary)
    assert rows.count() > change.kwips
    if change.steps in (suspend, hide, leave):
        assert not rows.filter(withheld=0).exists()
    if change.steps is go_private:
        assert not rows.filter(audience=None).exists()
    if change.steps is block:
        assert not Follow.objects.filter(followee=scene.author).exists()
        assert not Follow.objects.filter(follower=scene.author).exists()
