"""Readers and writers that send requests continuously and record each response."""

import contextlib
import http.client
import itertools
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.rehearse.stack import RehearsalError, Stack
from deploy.rehearse.visitor import Visitor

PAGES = ("/", "/everyone/", "/about/", "/writer0/")
READERS, WRITERS = 3, 16
# Rate limits are for people; the load resets them so that no writer runs into one.
RESET_LIMITS_SECONDS = 60.0
READER_PAUSE, WRITER_PAUSE = 0.15, 8.0


@dataclass
class Event:
    """One request: its kind, the time of its response, and its fault if it failed."""

    at: float
    kind: str
    fault: str
    seconds: float = 0.0
    ended: str = ""  # the time of day, UTC


@dataclass
class Load:
    """A steady load, as a context manager."""

    stack: Stack
    writers: list[Visitor]
    events: list[Event] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    def __enter__(self) -> "Load":
        self._over = threading.Event()
        threads = [threading.Thread(target=self._read, args=[number]) for number in range(READERS)]
        threads += [threading.Thread(target=self._write, args=[writer]) for writer in self.writers]
        threads.append(threading.Thread(target=self._reset_limits))
        self._threads = threads
        for thread in threads:
            thread.daemon = True
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _read(self, number: int) -> None:
        visitor = Visitor(self.stack.https)
        for page in itertools.islice(itertools.cycle(PAGES), number, None):
            if self._over.wait(READER_PAUSE):
                return
            self._note("read", lambda page=page: visitor.get(page).status)

    def _write(self, writer: Visitor) -> None:
        """Publishes kwips; sends each form again until the site acknowledges it."""
        while not self._over.wait(WRITER_PAUSE):
            token = f"token {uuid.uuid4().hex}"
            form: dict[str, str] = {}

            def load_form(form: dict[str, str] = form) -> int:
                form |= writer.form("/kwip/", "/kwip/")
                return 200

            def send(form: dict[str, str] = form, token: str = token) -> int:
                return writer.post("/kwip/", form | {"text": token}).status

            for kind, step in (("form", load_form), ("write", send)):
                while not self._note(kind, step):
                    if self._over.wait(1):
                        return
            self.acknowledged.add(token)

    def _note(self, kind: str, step) -> bool:  # type: ignore[no-untyped-def]
        started = time.monotonic()
        try:
            status = step()
            fault = "" if status < 400 else str(status)
        except RehearsalError as error:
            fault = str(error)
        except (OSError, http.client.HTTPException) as error:
            fault = type(error).__name__
        now = time.monotonic()
        ended = f"{datetime.now(UTC):%H:%M:%S.%f}"
        self.events.append(Event(now, kind, fault, now - started, ended))
        return not fault

    def _reset_limits(self) -> None:
        while not self._over.wait(RESET_LIMITS_SECONDS):
            # PostgreSQL may be down.
            with contextlib.suppress(RehearsalError):
                self.stack.sql("TRUNCATE limits_tries")

    # ── Results ──────────────────────────────────────────────────────────────────────────────────

    def since(self, moment: float, kind: str = "") -> list[Event]:
        return [event for event in list(self.events) if event.at >= moment and event.kind.startswith(kind)]

    def faults(self, moment: float, kind: str = "") -> list[Event]:
        return [event for event in self.since(moment, kind) if event.fault]

    def clean(self, moment: float, what: str, service: str) -> int:
        """The number of requests since then. Raises RehearsalError if any failed."""
        if faults := self.faults(moment):
            kinds = sorted({f"{event.kind}: {event.fault}" for event in faults})
            total = len(self.since(moment))
            # The log has the same clock: the failed request is found by its time.
            times = ", ".join(f"{event.ended} after {event.seconds:.1f} s" for event in faults[:5])
            raise RehearsalError(
                f"{what}: {len(faults)} of {total} requests failed: {kinds} ({times})", service
            )
        return len(self.since(moment))

    def check_acknowledged(self) -> int:
        """The number of acknowledged kwips. Raises RehearsalError if one is missing or there twice."""
        written = set(self.acknowledged)
        stored = self.stack.sql("SELECT text FROM kwips_kwip WHERE text LIKE 'token %'").split("\n")
        stored = [text for text in stored if text]
        if lost := written - set(stored):
            raise RehearsalError(f"{len(lost)} of {len(written)} acknowledged kwips are lost", "postgres")
        if len(stored) != len(set(stored)):
            raise RehearsalError(f"{len(stored) - len(set(stored))} kwips are there twice", "web")
        return len(written)
