"""A load at a fixed rate, which does not wait for answers."""

import http.client
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import local
from urllib.parse import urlencode

from bench.lib.sessions import Member
from bench.search.queries import Asked

# More than are ever open at once, unless the site falls behind.
CONNECTIONS = 16


@dataclass
class Answered:
    """Milliseconds from the time when each request was due to the end of its answer."""

    milliseconds: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.milliseconds)
        return round(ordered[math.ceil(len(ordered) * percent / 100) - 1], 2)


def open_loop(
    port: int, asked: Sequence[Asked], people: Sequence[Member], *, rate: float, seconds: float
) -> Answered:
    """Sends each query in turn, ``rate`` a second. Raises SystemExit where a page has no results."""
    known = local()
    begin = time.perf_counter() + 0.1

    def send(number: int) -> float:
        due = begin + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        if not hasattr(known, "connection"):
            known.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        path = f"/search/?{urlencode({'q': asked[number % len(asked)].text})}"
        headers = {"Host": "localhost", "Cookie": people[number % len(people)].cookie}
        known.connection.request("GET", path, headers=headers)
        response = known.connection.getresponse()
        body = response.read()
        if response.status != 200 or b"timeline" not in body:
            raise SystemExit(f"bench: {path} was answered by {response.status}, or found nothing")
        return (time.perf_counter() - due) * 1000

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # A thread takes the next request when it is free, and sleeps until that is due.
        return Answered(list(pool.map(send, range(int(rate * seconds)))))
