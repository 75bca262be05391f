"""PostgreSQL is slow, out of connections or down under load: a quick 503, and recovery without a restart."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable

import psycopg2
import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from deploy.local.postgres import ROLE, Postgres
from tests.support.http import Member, Response, Visitor
from tests.support.pool import pooled
from tests.support.private_postgres import sessions, where
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)


def soon(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds, without a statement about time."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
        return int(cursor.fetchone()[0])


def is_apology(answer: Response) -> bool:
    return (
        answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and "back in a moment" in answer.text
    )


def lives_on(port: int) -> None:
    """Pages that need no database are served without it."""
    visitor = Visitor(port)
    for path in ("/livez", "/about/", "/static/css/kwippy.css"):
        assert visitor.get(path).status == 200, path
    assert visitor.get("/readyz").status == 503
    metrics = visitor.get("/metrics")
    assert metrics.status == 200
    assert "commandqueue_up 0.0" in metrics.text


@pytest.mark.asvs("16.5.3")
@pooled
def test_a_pool_that_is_used_up_is_a_503_in_time_and_loses_no_words(memcached: str) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    patience = {"DATABASE_STATEMENT_TIMEOUT_MS": "60000", "DATABASE_LOCK_TIMEOUT_MS": "60000"}
    # Both readers are admitted.
    limits = {"DATABASE_POOL_SIZE": "2", "DATABASE_POOL_WAIT": "1", "SHED_RENDERS": "0"}
    with served(memcached=memcached, workers=1, variables=patience | limits) as port:
        member = Member(port, ann)
        assert member.get("/").status == 200
        blocked: list[Response] = []
        readers = [
            threading.Thread(target=lambda: blocked.append(Visitor(port).get("/everyone/"))) for _ in range(2)
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE kwips_kwip IN ACCESS EXCLUSIVE MODE")
            for reader in readers:
                reader.start()
            soon(lambda: waiting_for_locks() == 2)
            refused = member.post("/kwip/", text="dear <diary>", form_key=str(uuid.uuid4()))
            assert is_apology(refused)
            assert "dear &lt;diary&gt;" in refused.text
            # The lock timeout and the page's own time; without a timeout it would be the minute of the lock.
            assert 1 <= refused.seconds < 3
            lives_on(port)
        for reader in readers:
            reader.join()
        assert [answer.status for answer in blocked] == [200, 200]
        assert member.get("/").status == 200


def test_connections_used_up_by_others_are_503s_until_they_go(server: Postgres, memcached: str) -> None:
    with served(memcached=memcached, variables=where(server)) as port:
        lives = Visitor(port)
        with contextlib.ExitStack() as others:
            with contextlib.suppress(psycopg2.OperationalError):
                while True:
                    other = psycopg2.connect(host=str(server.sockets), user=ROLE, dbname="kwippy")
                    others.callback(other.close)
            for _ in range(10):
                assert is_apology(lives.get("/everyone/"))
            lives_on(port)
        soon(lambda: lives.get("/everyone/").status == 200)
        assert {lives.get("/everyone/").status for _ in range(20)} == {200}


class Writing:
    """Members who publish until `stop`, and their responses."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self.port = port
        self.again = threading.Event()
        self.over = threading.Event()
        self.answers: list[tuple[bool, int]] = []
        self._threads = [threading.Thread(target=self._write, args=[cookie]) for cookie in cookies]

    def _write(self, cookie: str) -> None:
        member = Visitor(self.port, cookie)
        # Up to the rate limit; then the member only reads.
        for number in range(10_000):
            if self.over.is_set():
                return
            since = self.again.is_set()
            if number < 29:
                key = str(uuid.uuid4())
                answer = member.post("/kwip/", text=f"tea #one{key[:8]} #two{key[:8]}", form_key=key)
            else:
                answer = member.get("/everyone/")
            self.answers.append((since, answer.status))

    def count(self, *, since: bool) -> int:
        return sum(1 for then, _ in list(self.answers) if then == since)

    def __enter__(self) -> "Writing":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


def test_a_restart_under_load_fails_nothing_that_begins_after_it_and_halves_nothing(
    server: Postgres, memcached: str
) -> None:
    cookies = sessions(server, 8)
    with served(memcached=memcached, variables=where(server)) as port:
        with Writing(port, cookies) as people:
            soon(lambda: people.count(since=False) > 40)
            server.stop()
            soon(lambda: (False, 503) in people.answers)
            lives_on(port)
            server.start()
            people.again.set()
            soon(lambda: people.count(since=True) > 100)
        statuses = {since: {status for then, status in people.answers if then == since} for since in (0, 1)}
        assert statuses[True] <= {200, 302}
        assert statuses[False] <= {200, 302, 503}
        published = sum(1 for _, status in people.answers if status == 302)
    with (
        contextlib.closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname="kwippy")) as direct,
        direct.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE tags <> 2) FROM"
            " (SELECT count(tag.tag_id) AS tags FROM kwips_kwip AS kwip"
            "  LEFT JOIN kwips_kwiptag AS tag ON tag.kwip_id = kwip.id GROUP BY kwip.id) AS each_kwip"
        )
        kwips, halves = cursor.fetchone()
    # A kwip whose response was lost may be stored.
    assert kwips >= published > 40
    assert halves == 0
