"""The parts of a request: at each boundary `getppid` is called, before which callgrind dumps its counts."""

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

# What is counted outside of requests.
NONE = ""


class Parts:
    """Which part is running. Parts nest: an inner one is not counted with the outer one."""

    def __init__(self) -> None:
        self._running = [NONE]
        # For each boundary, the part that begins there.
        self.labels: list[str] = []

    def enter(self, part: str) -> None:
        self._running.append(part)
        self._cross()

    def leave(self) -> None:
        self._running.pop()
        self._cross()

    def mark(self, owner: Any, name: str, part: str) -> None:
        """Makes ``part`` of each call of ``owner``'s function, within requests, in this process.

        A call within the same part belongs to it: there is no boundary.
        """
        function: Callable[..., Any] = getattr(owner, name)

        def marked(*arguments: Any, **named: Any) -> Any:
            if self._running[-1] in (NONE, part):
                return function(*arguments, **named)
            self.enter(part)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        setattr(owner, name, marked)

    def _cross(self) -> None:
        self.labels.append(self._running[-1])
        os.getppid()


def mark_all(parts: Parts) -> None:
    """Marks the parts of this site. Django must be set up."""
    from django.core.handlers.base import BaseHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.db.backends.utils import CursorWrapper
    from django.template.base import Template

    from apps.dbpool.base import DatabaseWrapper
    from apps.kwips import cards
    from apps.lookaside.backends import Lookaside
    from apps.pagecache.wsgi import PageCache

    for owner, name, part in (
        (PageCache, "__call__", "page cache"),
        (WSGIHandler, "__call__", "Django and its middleware"),
        (BaseHandler, "_get_response", "view"),
        (Lookaside, "get_many_or_compute", "look-aside cache"),
        (DatabaseWrapper, "get_new_connection", "pool"),
        (DatabaseWrapper, "_close", "pool"),
        (CursorWrapper, "execute", "SQL"),
        (cards, "read", "cards"),
        (Template, "render", "templates"),
    ):
        parts.mark(owner, name, part)


def counted(dumps: str, labels: Sequence[str]) -> Counter[str]:
    """The instructions of each part, from callgrind's counts between the boundaries.

    The first count is of what was before the first boundary, the last one of what was after the last. Raises
    ValueError if there are not as many counts as boundaries.
    """
    totals = [int(total) for total in re.findall(r"^totals: (\d+)", dumps, re.MULTILINE)]
    instructions: Counter[str] = Counter()
    for part, total in zip(labels, totals[1:], strict=True):
        if part != NONE:
            instructions[part] += total
    return instructions
