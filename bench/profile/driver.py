"""The process that is observed: `count` under callgrind, `sample` with a timer. It prints JSON."""

import gc
import json
import signal
import sys
import time
from collections import Counter
from types import FrameType

from bench.instructions.driver import WARM_UP, count_from_here
from bench.profile.parts import Parts, mark_all
from kwippy.observability import multiproc_metrics

VISITORS = ("anonymous", "member")
SAMPLE_SECONDS = 2.0
INTERVAL = 0.001


def main(command: str, page: str) -> None:
    # As in a worker of gunicorn, before any metric is created.
    multiproc_metrics.use_slot(0)
    import django

    django.setup()
    found = count(page) if command == "count" else sample(page)
    print(json.dumps(found))


def count(page: str) -> list[str]:
    """Makes the request of each visitor once; returns the part that begins at each boundary."""
    parts = Parts()
    mark_all(parts)
    requests = Requests(page)
    for visitor in VISITORS:
        for _ in range(WARM_UP):
            requests.make(visitor)
    count_from_here()
    for visitor in VISITORS:
        requests.make(visitor)  # what counting itself has brought
        gc.collect()
        gc.freeze()
        before = len(parts.labels)
        parts.enter("the rest")
        requests.make(visitor)
        parts.leave()
        parts.labels[before:] = [f"{visitor}: {part}" if part else "" for part in parts.labels[before:]]
    return parts.labels


def sample(page: str) -> dict[str, dict[str, int]]:
    """For each visitor, how often each stack was seen: functions, joined by semicolons."""
    requests = Requests(page)
    return {visitor: _sampled(requests, visitor) for visitor in VISITORS}


class Requests:
    """The request of a page, by each kind of visitor."""

    def __init__(self, page: str) -> None:
        from bench.instructions import requests

        self._page, self._answer = page, requests.answer
        made = requests.Requests()
        self._person = made.named
        self._cookies = {"anonymous": "", "member": made.cookie}

    def make(self, visitor: str) -> None:
        status, _, _ = self._answer("GET", self._page, cookie=self._cookies[visitor])
        if status != "200 OK":
            raise SystemExit(
                f"profile: {self._page} was answered by {status} ({visitor});"
                f" pages are PAGE=/, PAGE=/everyone/, PAGE=/{self._person}/ …"
            )


def _sampled(requests: Requests, visitor: str) -> dict[str, int]:
    stacks: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        stacks[stack_of(frame)] += 1

    for _ in range(WARM_UP):
        requests.make(visitor)
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    end = time.process_time() + SAMPLE_SECONDS
    while time.process_time() < end:
        requests.make(visitor)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return dict(stacks)


def stack_of(frame: FrameType | None) -> str:
    """The functions from this program's request inwards."""
    names: list[str] = []
    while frame is not None and frame.f_code is not Requests.make.__code__:
        names.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return ";".join(reversed(names)) if frame is not None else "outside of the request"


if __name__ == "__main__":
    main(*sys.argv[1:])
