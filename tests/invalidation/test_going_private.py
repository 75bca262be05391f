"""A person who does not follow reads no kwip after the command that made it followers-only, under load."""

import os
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connections

from apps.accounts.actions import set_private
from apps.accounts.models import User
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions, narrowing
from apps.kwips.models import Kwip
from tests.support.concurrency import uncommitted
from tests.support.edge import edge
from tests.support.http import Member, request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = READERS = 8
KWIPS = 40 if os.environ.get("TORTURE") else 2  # of each person
EDGE_SECONDS = 2.5
LISTS = ["/", "/everyone/", "/tag/tea/", "/everyone/feed.atom", "/tag/tea/feed.atom"]


class Community:
    """Each person makes their kwips followers-only, one in each batch; all others read them."""

    def __init__(self) -> None:
        self.people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(PEOPLE)]
        self.kwips = [[self._publish(person) for _ in range(KWIPS)] for person in self.people]
        self.narrowed: list[Kwip] = []
        # The number of finished reads of each person's page.
        self.reads = [0] * PEOPLE
        # At most as many writers as connections.
        self.places = threading.Semaphore(4)
        self.over = threading.Event()

    @staticmethod
    def _publish(person: User) -> Kwip:
        text = f"[{uuid.uuid4()}] #tea"
        return actions.publish(author=person, text=text, form_key=uuid.uuid4()).kwip

    def go_private(self, number: int) -> None:
        person = self.people[number]
        set_private(user=person, is_private=True)
        narrowing.begin(person=person)
        for kwip in reversed(self.kwips[number]):
            with self.places, uncommitted():
                assert narrowing.narrow_batch(person.pk) == 1
                self._wait_for_readers(number)
            connections.close_all()
            self.narrowed.append(kwip)

    def _wait_for_readers(self, number: int) -> None:
        """Waits until reads that began before the commit have cached the old pages again."""
        read = self.reads[number]
        wait_for(lambda: self.reads[number] > read + READERS, seconds=120)

    def paths(self, number: int, kwip: Kwip) -> list[str]:
        return [f"/fan{number}/kwip/{kwip.pk}/", f"/fan{number}/", f"/fan{number}/feed.atom", *LISTS]

    def read(self, port: int, member: Member | None) -> list[str]:
        """The pages on which a kwip was found that had been followers-only before the request began."""
        leaks: list[str] = []
        chance = random.Random(threading.get_ident())
        wire = HTTPConnection("localhost", port, timeout=30)
        while not self.over.is_set():
            number = chance.randrange(PEOPLE)
            path = chance.choice(self.paths(number, chance.choice(self.kwips[number])))
            narrowed = list(self.narrowed)
            answer = member.get(path) if member else request(port, path, connection=wire)
            assert answer.status in (200, 404)
            self.reads[number] += 1
            leaks += [path for kwip in narrowed if kwip.text[:38] in answer.text]
        wire.close()
        return leaks


def test_what_was_made_followers_only_is_read_by_no_one_else(
    memcached: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "BATCH", 1)
    community = Community()
    other = User.objects.create_user("other", "other@example.org")
    with (
        served(memcached=memcached, patient=True) as port,
        edge(tmp_path / "edge", gunicorn=port) as nginx,
        ThreadPoolExecutor(PEOPLE + READERS) as pool,
    ):
        first = community.kwips[0][-1]
        for path in community.paths(0, first):
            assert first.text[:38] in request(nginx.port, path).text, path
        members = [Member(port, other) if n % 4 == 0 else None for n in range(READERS)]
        reading = [pool.submit(community.read, port, member) for member in members]
        writing = [pool.submit(community.go_private, number) for number in range(PEOPLE)]
        try:
            for future in writing:
                future.result()
        finally:
            community.over.set()
        leaks = [path for future in reading for path in future.result()]
        time.sleep(EDGE_SECONDS)
        for number, kwips in enumerate(community.kwips):
            for kwip in kwips:
                for path in community.paths(number, kwip):
                    text = request(nginx.port, path).text
                    leaks += [f"edge {path}" for own in kwips if own.text[:38] in text]
    assert leaks == []
    assert len(community.narrowed) == PEOPLE * KWIPS
