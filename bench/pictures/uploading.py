"""Uploads pictures as members, and observes the worker and the decoder that it starts."""

import os
import re
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from bench.lib.processes import other_cores
from bench.lib.servers import Gunicorn
from bench.lib.sessions import CSRF, session_of
from deploy.local import services

PATH = "/kwip/pictures/"
PEOPLE = 60
POLL_SECONDS = 0.003


class Taken(NamedTuple):
    """One request, and how many pictures it did not take. The peaks are megabytes of memory."""

    milliseconds: float
    refused: int
    worker_mb: float
    decoder_mb: float


def fill() -> list[str]:
    """Sets Django up and makes a small community; returns the cookies of its people."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("populate", people=PEOPLE, kwips=10 * PEOPLE, verbosity=0)
    people = get_user_model()._default_manager.filter(is_active=True).order_by("pk")
    return [f"sessionid={session_of(person)}; csrftoken={CSRF}" for person in people]


class Uploads:
    def __init__(self, site: Gunicorn, cookies: Sequence[str]) -> None:
        self.site = site
        # In turns: a member may upload 40 pictures that nothing uses, and decode 120 s an hour.
        self.cookies = cycle(cookies)
        os.sched_setaffinity(0, other_cores())

    def take(self, contents: Sequence[bytes], *, by_script: bool = True) -> Taken:
        """Uploads these in one request. Raises SystemExit for an answer that is no form."""
        files = [SimpleUploadedFile("tea", content) for content in contents]
        fields = {"csrfmiddlewaretoken": CSRF, "add": "1", "files": files}
        body = encode_multipart(BOUNDARY, fields)
        headers = {
            "Host": "localhost",
            "Cookie": next(self.cookies),
            "Content-Type": MULTIPART_CONTENT,
            "Accept": "application/json" if by_script else "text/html",
        }
        worker = self.site.worker
        Path(f"/proc/{worker}/clear_refs").write_text("5")  # its peak is as large as it is now
        observed = _Decoders(worker)
        with observed:
            connection = HTTPConnection("127.0.0.1", self.site.port, timeout=60)
            begun = time.perf_counter()
            connection.request("POST", PATH, body=body, headers=headers)
            answer = connection.getresponse()
            page = answer.read().decode()
            seconds = time.perf_counter() - begun
            connection.close()
        if answer.status not in (200, 422, 503):
            raise SystemExit(f"bench: the upload was answered by {answer.status}\n{page[:500]}")
        # 503: the machine had no time to decode the first of them.
        taken = len(set(re.findall(r"alt-([0-9a-f]{32})", page)))
        return Taken(round(seconds * 1000, 1), len(contents) - taken, _peak_mb(worker), observed.peak_mb)


class _Decoders:
    """The peak of the processes that a worker starts, read until they end."""

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.peak_mb = 0.0
        self._ended = Event()
        self._thread = Thread(target=self._observe)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _observe(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            for child in services.descendants(self.worker):
                self.peak_mb = max(self.peak_mb, _peak_mb(child))


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had, or 0 if it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return round(int(found[1]) / 1024, 1) if found else 0.0
