"""Through nginx and both caches: how old is what a stranger reads after a writer's answer."""

import os
import re
import threading
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.testing.edge import ask, edge
from apps.testing.site import Member, served

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 90 if os.environ.get("TORTURE") == "1" else 8
# nginx counts whole seconds, so that it may keep a page for two; and then it is made.
BOUND = 2.5
# What one may publish in ten minutes.
MOST_KWIPS = 28


class Writer(ABC):
    """Somebody who writes the next number somewhere, and notes when the site said that it was written."""

    def __init__(self, name: str, port: int, paths: tuple[str, ...]) -> None:
        self.name = name
        self.member = Member(port, User.objects.create_user(name, f"{name}@example.org"))
        self.paths = paths
        self.written: list[tuple[int, float]] = [(0, 0.0)]

    @abstractmethod
    def write(self, number: int) -> None: ...

    @abstractmethod
    def read(self, text: str) -> int: ...

    def go_on(self, until: float) -> None:
        number = 0
        while time.monotonic() < until and number < MOST_KWIPS:
            number += 1
            self.write(number)
            self.written.append((number, time.monotonic()))
            time.sleep(max(0.2, SECONDS / MOST_KWIPS))

    def due(self, began: float) -> int:
        """The number that whoever begins to read at that time must find, or a later one."""
        return max(number for number, at in list(self.written) if at <= began - BOUND)


class Publisher(Writer):
    """Writes kwips, the newest of which is on their page and on everyone's."""

    def write(self, number: int) -> None:
        text = f"{self.name} says {number}."
        answer = self.member.post("/kwip/", text=text, form_key=str(uuid.uuid4()))
        assert answer.status == 302

    def read(self, text: str) -> int:
        return max(map(int, re.findall(rf"{self.name} says (\d+)\.", text)), default=0)


class Renamer(Writer):
    """Changes their display name, which purges the pages of all people."""

    def write(self, number: int) -> None:
        answer = self.member.post("/settings/", display_name=f"{self.name} the {number}th", bio="")
        assert answer.status == 302

    def read(self, text: str) -> int:
        return max(map(int, re.findall(rf"{self.name} the (\d+)th", text)), default=0)


def read_on(port: int, writers: list[Writer], until: float, stale: list[str], reads: list[int]) -> None:
    while time.monotonic() < until:
        for writer in writers:
            for path in writer.paths:
                began = time.monotonic()
                due, text = writer.due(began), ask(port, path).text
                reads.append(writer.read(text))
                if reads[-1] < due:
                    stale.append(f"{path}: {reads[-1]} where {due} was due")


def test_no_stranger_reads_what_was_before_later_than_the_edge_may_keep_it(
    memcached: str, tmp_path: Path
) -> None:
    with served(memcached=memcached) as gunicorn, edge(tmp_path / "edge", gunicorn=gunicorn) as nginx:
        writers: list[Writer] = [
            Publisher("ann", nginx.port, ("/ann/", "/everyone/")),
            Publisher("bob", nginx.port, ("/bob/", "/everyone/")),
            Renamer("cid", nginx.port, ("/cid/",)),
            Renamer("dan", nginx.port, ("/dan/", "/dan/followers/")),
        ]
        stale: list[str] = []
        reads: list[int] = []
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=writer.go_on, args=[until]) for writer in writers]
        threads += [
            threading.Thread(target=read_on, args=[nginx.port, writers, until + BOUND, stale, reads])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert stale == []
    assert all(len(writer.written) > 10 for writer in writers)
    assert len(reads) > 200
    assert max(reads) > 10
