"""The ladder on /about/: stock Django, each optimization alone, all but one, all of them, as last measured.

From `docs/results/ladder.json`, which `make bench SUBJECT=ladder PUBLISH=1` writes. Without it there is none.
"""

import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

FILE = Path("docs") / "results" / "ladder.json"
# Scenario and column of the result, and the heading; a row has those that were measured for it.
COLUMNS = (
    ("front page", "rate", "front page, answers/s"),
    ("network 100 active", "rate", "a member's network, answers/s"),
    ("from page 1,000 on", "rate", "from page 1,000 on, answers/s"),
    ("publish", "p50_ms", "publish, p50 ms"),
    ("contact, mail slow", "p50_ms", "contact with slow mail, p50 ms"),
)


class Table(NamedTuple):
    """``rows``: the name of a configuration, and its medians as text. ``measured_at`` is a date."""

    measured_at: str
    commit: str
    headings: list[str]
    rows: list[tuple[str, list[str]]]


def table() -> Table | None:
    return _table(settings.BASE_DIR / FILE)


@cache
def _table(path: Path) -> Table | None:
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(path.read_text())
    rounds = result["rounds"]
    names = {name: None for scenario, _, _ in COLUMNS for name in rounds.get(scenario, {})}
    rows = [
        (name, [_value(rounds.get(scenario, {}).get(name, {}), column) for scenario, column, _ in COLUMNS])
        for name in names
    ]
    headings = [heading for _, _, heading in COLUMNS]
    return Table(result["measured_at"][:10], result["commit"], headings, rows)


def _value(columns: dict[str, list[float]], column: str) -> str:
    if not (found := columns.get(column)):
        return ""
    median = statistics.median(found)
    return f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
