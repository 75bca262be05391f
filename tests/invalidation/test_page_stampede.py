"""Two hundred strangers at one page at the moment it changed: one of gunicorn's processes makes it, once."""

import math
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
WORKERS = 2
MADE = "pagecache; fwd=miss"


def herd(port: int) -> list[tuple[str, str]]:
    """What each was told of the cache, and what they read."""
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


def test_while_memcached_is_there_the_page_is_made_once(ann: User, memcached: str) -> None:
    publish(ann, "first")
    with served(memcached=memcached, workers=WORKERS, patient=True) as port:
        herd(port)
        for number in range(3):
            publish(ann, f"news {number}")
            answers = herd(port)
            assert [told for told, _ in answers].count(MADE) == 1
            assert all(f"news {number}" in text for _, text in answers)


def test_while_it_is_away_each_process_makes_it_once_a_second(ann: User, memcached: str) -> None:
    server = Memcached(Path(memcached.removeprefix("unix:")).parent, name="herd")
    server.start()
    publish(ann, "first")
    with served(memcached=server.address, workers=WORKERS) as port:
        herd(port)
        server.stop()
        publish(ann, "news")
        time.sleep(1.1)
        began = time.monotonic()
        answers = herd(port)
        seconds = time.monotonic() - began
        assert [told for told, _ in answers].count(MADE) <= WORKERS * math.ceil(seconds)
        assert all("news" in text for _, text in answers)
