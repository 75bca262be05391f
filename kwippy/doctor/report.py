"""Findings: the result of a check is a line with its state, and what to do about it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from django.db import connection

# A check that takes longer has found something.
SECONDS = 30.0
# Of a text that comes from elsewhere (a server's reply, an exception).
LONGEST = 300


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    WRONG = "WRONG"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``mend`` says what to do; if ``blocks``, an upgrade must not begin."""

    state: State
    name: str
    text: str
    mend: str = ""
    blocks: bool = False

    def __str__(self) -> str:
        line = f"{self.state:<12} {self.name}: {one_line(self.text)}"
        return f"{line}. -> {one_line(self.mend)}" if self.mend else line


class Check(NamedTuple):
    name: str
    look: Callable[[], Iterable[Finding]]
    # Whether its findings may stop an upgrade.
    before_upgrade: bool = False


def ok(name: str, text: str) -> Finding:
    return Finding(State.OK, name, text)


def warn(name: str, text: str, mend: str) -> Finding:
    return Finding(State.WARN, name, text, mend)


def wrong(name: str, text: str, mend: str, *, blocks: bool = False) -> Finding:
    return Finding(State.WRONG, name, text, mend, blocks)


def not_checked(name: str, why: str, mend: str = "") -> Finding:
    return Finding(State.NOT_CHECKED, name, why, mend)


def one_line(text: object) -> str:
    """Printable, on one line, and not longer than `LONGEST`: it may come from a server that lies."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * LONGEST]).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def examine(checks: Iterable[Check], *, seconds: float = SECONDS) -> Iterator[Finding]:
    """The findings of all checks, in their order, each as soon as its check has ended."""
    for check in checks:
        yield from _examined(check, seconds)


def _examined(check: Check, seconds: float) -> list[Finding]:
    """The findings of one check: in a thread, since a frozen server can hold a statement for ever."""
    found: list[Finding] = []

    def look() -> None:
        try:
            found.extend(check.look())
        except Exception as error:  # the check of a broken thing must not end the others
            what = f"the check failed: {type(error).__name__}: {error}"
            found.append(wrong(check.name, what, "mend what it says, and run this again", blocks=True))
        finally:
            connection.close()

    thread = threading.Thread(target=look, name=f"doctor {check.name}", daemon=True)
    thread.start()
    thread.join(seconds)
    results = list(found)
    if thread.is_alive():
        late = f"no answer within {seconds:g} s"
        results.append(wrong(check.name, late, "look at the service that it asks", blocks=True))
    if check.before_upgrade:
        return results
    return [replace(finding, blocks=False) for finding in results]
