"""A stampede: 200 concurrent requests for a purged page cause one render."""

import math
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.kwips import actions
from deploy.local.memcached import Memcached
from tests.support.http import request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 200
READERS = 16
WRITES = 40
WORKERS = 2
RENDERED = "pagecache; fwd=miss"


def stampede(port: int) -> list[tuple[str, str]]:
    """The `Cache-Status` and the text of each response."""
    start = threading.Barrier(CLIENTS)

    def read(_: int) -> tuple[str, str]:
        start.wait(timeout=60)
        response = request(port, "/everyone/")
        assert response.status == 200
        return response.headers["Cache-Status"], response.text

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(read, range(CLIENTS)))


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.org")


def publish(ann: User, text: str) -> None:
    actions.publish(author=ann, text=text, form_key=uuid.uuid4())


def test_with_memcached_the_page_is_rendered_once(ann: User, memcached: str) -> None:
    publish(ann, "first")
    with served(memcached=memcached, workers=WORKERS, patient=True) as port:
        stampede(port)
        for number in range(3):
            publish(ann, f"news {number}")
            answers = stampede(port)
            assert [status for status, _ in answers].count(RENDERED) == 1
            assert all(f"news {number}" in text for _, text in answers)


def test_while_a_page_is_written_to_all_the_time_its_readers_share_renders(ann: User, memcached: str) -> None:
    publish(ann, "first")
    over = threading.Event()
    with served(memcached=memcached, workers=1, patient=True) as port, ThreadPoolExecutor(READERS) as pool:

        def read(_: int) -> list[tuple[int, int, str]]:
            found = []
            while not over.is_set():
                floor = written
                response = request(port, "/everyone/")
                assert response.status == 200
                [newest] = re.findall(r"news (\d+)\b", response.text)[:1] or ["0"]
                found.append((floor, int(newest), response.headers["Cache-Status"]))
            return found

        written = 0
        reading = [pool.submit(read, number) for number in range(READERS)]
        try:
            for number in range(1, WRITES + 1):
                publish(ann, f"news {number}")
                written = number
        finally:
            over.set()
        answers = [answer for future in reading for answer in future.result()]
    assert [answer for answer in answers if answer[1] < answer[0]] == []
    renders = sum(status == RENDERED for _, _, status in answers)
    # For each write one of the old page, and two while it is marked: one that runs, and one for all who wait.
    assert renders <= 4 * WRITES + READERS, f"{renders} of {len(answers)}"


def test_without_memcached_each_process_renders_it_once_a_second(ann: User, memcached: str) -> None:
    server = Memcached(Path(memcached.removeprefix("unix:")).parent, name="stampede")
    server.start()
    publish(ann, "first")
    with served(memcached=server.address, workers=WORKERS) as port:
        stampede(port)
        server.stop()
        publish(ann, "news")
        time.sleep(1.1)
        began = time.monotonic()
        answers = stampede(port)
        seconds = time.monotonic() - began
        assert [status for status, _ in answers].count(RENDERED) <= WORKERS * math.ceil(seconds)
        assert all("news" in text for _, text in answers)
