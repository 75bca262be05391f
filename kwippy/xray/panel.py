"""The panel: a record as HTML, and as one line."""

from collections import Counter
from typing import Any

from django.template import Context

from kwippy.xray import ladder, sources
from kwippy.xray.optimizations import OPTIMIZATIONS, commands, counted, milliseconds
from kwippy.xray.recording import Record, Statement

# Here the panel is open, and shows the committed figures too.
ABOUT = "/about/"


def render(record: Record, *, path: str, before: str) -> bytes:
    """The panel of a page. ``before``: the `summary` of the write that led to it."""
    times = {
        "sql": record.sql_seconds,
        "pool": record.waited,
        "cache": record.counts.seconds,
        "python": record.python_seconds,
    }
    context = {
        "style": sources.STYLE,
        "prefix": sources.PREFIX,
        "is_open": path == ABOUT,
        "ladder": ladder.table() if path == ABOUT else None,
        "before": before,
        "summary": summary(record, "this page"),
        "bar": _bar(times),
        "times": {name: milliseconds(seconds) for name, seconds in times.items()},
        "cpu": milliseconds(record.cpu_seconds),
        "rows": [(each, each.told(record)) for each in OPTIMIZATIONS],
        "statements": _statements(record),
        "left_out": record.statement_count - len(record.statements),
    }
    return sources.templates().get_template("panel.html").render(Context(context)).encode()


def summary(record: Record, what: str) -> str:
    """One line: what the request cost."""
    parts = [
        f"{counted(record.statement_count, 'query')} {milliseconds(record.sql_seconds)}",
        f"{counted(record.counts.round_trips, 'round trip')} {milliseconds(record.counts.seconds)}",
        f"{milliseconds(record.seconds)} in all",
    ]
    if record.invalidated and record.counts.round_trips:
        parts.insert(2, f"{counted(record.invalidated.total(), 'key')} invalidated")
    if number := commands(record):
        parts.insert(2, f"{counted(number, 'command')} enqueued")
    return f"{what}: {', '.join(parts)}"


def _bar(times: dict[str, float]) -> list[tuple[str, str, str]]:
    """Name, start and width of each part of a bar of 100 units."""
    whole = sum(times.values()) or 1.0
    start, parts = 0.0, []
    for name, seconds in times.items():
        width = 100 * seconds / whole
        parts.append((name, f"{start:.2f}", f"{width:.2f}"))
        start += width
    return parts


def _statements(record: Record) -> list[dict[str, Any]]:
    times_sent = Counter(statement.sql for statement in record.statements)
    return [
        {
            "files": [(name, sources.place_of(name, statement.sql)) for name in statement.files],
            "name": _name(statement),
            "sql": statement.sql,
            "time": milliseconds(statement.seconds),
            "rows": counted(statement.rows, "row") if statement.rows >= 0 else "",
            "times_sent": times_sent[statement.sql],
        }
        for statement in record.statements
    ]


def _name(statement: Statement) -> str:
    """The beginning of a statement that is in no file."""
    text = " ".join(statement.sql.split())
    return text if len(text) <= 60 else f"{text[:60]} …"
