"""One site, running: the forms that are posted to it, and what the posts cost."""

import random
import re
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psycopg2

from bench.lib import http, processes
from bench.lib.database import Server
from bench.lib.http import Request
from bench.lib.servers import Gunicorn, memcached_server, production
from bench.lib.sessions import CSRF, Member, members
from bench.writes.before import Checkout
from deploy.local.postgres import ROLE

WRITES = ("publish", "comment")
# So many that none of them reaches the limit of publishing, 30 in ten minutes.
MEMBERS = 1_000
THREADS = 400  # kwips that are commented on
COUNTED = 5  # writes of which the last one's statements and messages are counted
KWIP = "the kettle is on again, and it rains. with @{name}, who brought cake :) #tea #morning"
COMMENT = "so do i, every morning; it is the best part of the day."


@dataclass
class Site:
    """A site and its costs: for each write, the processor seconds of one, by process, turn by turn."""

    database: "Rows"
    requests: dict[str, list[Request]]
    counted: dict[str, dict[str, int]]
    port: int
    pids: dict[str, int]
    turns: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {write: [] for write in WRITES})

    def turn(self, write: str, folder: Path, *, seconds: float, counts: bool) -> None:
        """Posts for ``seconds``. Raises SystemExit where posts were answered but wrote nothing."""
        rows = self.database.count()
        used = {name: processes.cpu_seconds(pid) for name, pid in self.pids.items()}
        seed = random.SystemRandom().randrange(2**31)  # its form keys are those of no other turn
        found = http.wrk_requests(self.port, self.requests[write], folder, seconds=seconds, seed=seed)
        time.sleep(0.5)  # requests that wrk has left behind
        cost = {name: processes.cpu_seconds(pid) - used[name] for name, pid in self.pids.items()}
        made = self.database.count() - rows
        if not found.requests <= made <= found.requests + http.WRK_CLIENTS:
            raise SystemExit(f"bench: {found.requests} answers to {write}, but {made} rows")
        if counts:
            self.turns[write].append({name: seconds / made for name, seconds in cost.items()})

    def cost(self, write: str, *names: str) -> list[float]:
        """Processor seconds a write of these processes together, turn by turn."""
        return [sum(turn[name] for name in names) for turn in self.turns[write]]

    def median(self, write: str, name: str) -> float:
        return statistics.median(self.cost(write, name))

    def as_json(self) -> dict[str, object]:
        def milliseconds(write: str, name: str) -> list[float]:
            return [round(seconds * 1000, 3) for seconds in self.cost(write, name)]

        return {write: {name: milliseconds(write, name) for name in self.pids} for write in WRITES}


class Rows:
    """Kwips and comments of one database."""

    def __init__(self, server: Server, name: str) -> None:
        self._connect = lambda: psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=name)

    def count(self) -> int:
        return self._all("SELECT count(*) FROM kwips_kwip")[0]

    def newest(self, number: int) -> list[int]:
        """The newest public kwips."""
        return self._all(
            "SELECT id FROM kwips_kwip WHERE thread_id IS NULL AND audience_id IS NULL AND visibility = 0"
            f" ORDER BY id DESC LIMIT {number}"
        )

    def _all(self, sql: str) -> list[int]:
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [row[0] for row in cursor.fetchall()]


@contextmanager
def started(
    server: Server, checkout: Checkout, *, template: str, variables: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Runs the site of a checkout on a copy of the template, with a memcached of its own.

    It has further environment ``variables``.
    """
    name = f"writes_{checkout.commit}"
    server.copy(template, name)
    try:
        with memcached_server(megabytes=256) as cache:
            processes.pin(cache.pid, processes.other_cores())
            variables = {"DATABASE_NAME": name, "MEMCACHED_SERVERS": cache.address, **(variables or {})}
            people = members(MEMBERS, root=checkout.root, python=checkout.python, variables=variables)
            rows = Rows(server, name)
            requests = requests_of(people, rows.newest(THREADS))
            with server.logged_messages(name) as messages, run(checkout, variables) as site:
                counted = {write: cost_of_one(site, write, requests[write], messages) for write in WRITES}
            with run(checkout, variables) as site:
                pids = {"worker": site.worker, "postgresql": server.pid, "memcached": cache.pid}
                yield Site(rows, requests, counted, site.port, pids)
    finally:
        server.drop(name)


def run(checkout: Checkout, variables: Mapping[str, str]) -> AbstractContextManager[Gunicorn]:
    return production(root=checkout.root, python=checkout.python, variables=variables)


def requests_of(people: list[Member], threads: list[int]) -> dict[str, list[Request]]:
    """For each member a form that publishes, with two tags and a mention, and one that comments."""
    found: dict[str, list[Request]] = {write: [] for write in WRITES}
    for number, person in enumerate(people):
        named = people[(number + 1) % len(people)].username
        thread = threads[number % len(threads)]
        found["publish"].append(form("/kwip/", person, KWIP.format(name=named)))
        found["comment"].append(form(f"/kwip/{thread}/comment/", person, COMMENT))
    return found


def form(path: str, person: Member, text: str) -> Request:
    body = urlencode({"csrfmiddlewaretoken": CSRF, "text": text})
    return Request(path, person.cookie, "POST", body)


def cost_of_one(
    site: Gunicorn, write: str, requests: list[Request], messages: Callable[[], int]
) -> dict[str, int]:
    """SQL statements, round trips to memcached, and messages to PostgreSQL of a member's post."""
    for request in requests[:COUNTED]:
        headers = {"Cookie": request.cookie}
        http.fetch(site.port, "/about/", headers)  # session and user are cached, as after a page
        time.sleep(0.1)  # what the server does after its answer
        sent = messages()
        answer = http.fetch(site.port, request.path, headers, f"{request.body}&form_key={uuid.uuid4()}")
        time.sleep(0.1)
        sent = messages() - sent
        if answer.status != 302:
            raise SystemExit(f"bench: {write} was answered by {answer.status}")
    timing = dict(answer.headers)["Server-Timing"]
    found = {what: int(number) for number, what in re.findall(r"(\d+) (queries|round trips)", timing)}
    return {
        f"{write}_statements": found["queries"],
        f"{write}_round_trips": found["round trips"],
        f"{write}_messages": sent,
    }
