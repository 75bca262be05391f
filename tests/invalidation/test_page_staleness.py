"""After the response to a write no anonymous visitor gets the old page, under concurrent writes and reads."""

import os
import random
import re
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.concurrency import uncommitted
from tests.support.http import request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60 if os.environ.get("TORTURE") else 8
PEOPLE = READERS = 16
FEED = "/everyone/feed.atom"
# The minimum of writes of each writer, for a slow machine.
LEAST = 3


class Writers:
    """Each writer edits one kwip repeatedly, and records the last finished version."""

    def __init__(self, kwips: list[Kwip]) -> None:
        self.kwips = kwips
        self.finished = [0] * len(kwips)
        # The number of finished reads of each kwip's page.
        self.reads = [0] * len(kwips)
        # The kwips with an uncommitted edit.
        self.uncommitted: set[int] = set()
        self.until = time.monotonic() + SECONDS
        # At most as many writers as connections.
        self.places = threading.Semaphore(4)
        self.over = threading.Event()

    def write(self, number: int) -> int:
        version = 0
        while version < LEAST or time.monotonic() < self.until:
            with self.places, uncommitted():
                actions.edit(kwip=self.kwips[number], text=f"[kwip {number} version {version + 1}] #tea")
                self._wait_for_readers(number)
            # As at the end of a request: the pool has fewer connections than there are writers.
            connections.close_all()
            version += 1
            self.finished[number] = version
        return version

    def _wait_for_readers(self, number: int) -> None:
        """Waits until a read that began after the edit has cached the old page again."""
        read = self.reads[number]
        self.uncommitted.add(number)
        wait_for(lambda: self.reads[number] > read + READERS, seconds=120)
        self.uncommitted.discard(number)

    def read(self, port: int) -> tuple[Counter[str], list[str]]:
        """The number of reads by `Cache-Status`, and the stale pages."""
        read: Counter[str] = Counter()
        stale = []
        chance = random.Random(threading.get_ident())
        wire = HTTPConnection("localhost", port, timeout=30)
        while not self.over.is_set():
            number = chance.choice(list(self.uncommitted) * 3 + list(range(len(self.kwips))))
            kwip = self.kwips[number]
            own = f"/fan{number}/kwip/{kwip.pk}/"
            path = chance.choice([own, own, f"/fan{number}/", "/", "/everyone/", "/tag/tea/", FEED])
            floor = self.finished[number]
            response = request(port, path, connection=wire)
            assert response.status == 200
            read[response.headers["Cache-Status"].removeprefix("pagecache; ")] += 1
            self.reads[number] += path == own
            found = re.search(rf"\[kwip {number} version (\d+)\]", response.text)
            if found and int(found[1]) < floor:
                stale.append(f"{path}: {found[1]}, and {floor} was finished")
        wire.close()
        return read, stale


def test_sixteen_writers_and_sixteen_readers_and_nothing_stale(memcached: str) -> None:
    people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(PEOPLE)]
    kwips = [
        actions.publish(author=person, text=f"[kwip {n} version 0] #tea", form_key=uuid.uuid4()).kwip
        for n, person in enumerate(people)
    ]
    with served(memcached=memcached, patient=True) as port, ThreadPoolExecutor(2 * PEOPLE) as pool:
        writers = Writers(kwips)
        writing = [pool.submit(writers.write, number) for number in range(PEOPLE)]
        reading = [pool.submit(writers.read, port) for _ in range(READERS)]
        try:
            written = sum(future.result() for future in writing)
        finally:
            writers.over.set()
        results = [future.result() for future in reading]
    stale = [line for _, lines in results for line in lines]
    read = sum((counts for counts, _ in results), Counter[str]())
    # Shown by `pytest -s`.
    sys.stdout.write(f"{written} writes, {read.total()} reads: {dict(read)}; {len(stale)} stale\n")
    assert stale == []
    assert written >= LEAST * PEOPLE
    assert read["hit"] > 0
