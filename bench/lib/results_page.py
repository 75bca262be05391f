"""`docs/results/README.md` and its charts, from the published results: figures with spread and origin.

A result may have more than figures: ``descriptions`` of configurations with their ``rounds`` (the values of
each round, by scenario, configuration and column), ``pss_mb``, ``removed`` (for each optimization what is
worse without it), and ``charts`` (titles, values, an accent).
"""

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.lib.plots import bars, shown
from bench.lib.report import PUBLISHED

BEGINNING = """# Results

Made by `python -m bench --tables` from the JSON files of this folder; a test holds it to them. Each file has
every round, the machine, the Python and the versions that it was measured with. `make bench` measures
`ladder` again, `make bench SUBJECT=…` another one, and `make bench LIST=1` lists them. All were measured on
small virtual machines that others share: ratios are more exact than rates, and files of different dates do
not compare.

A figure is the median of the rounds, beside the lowest and the highest one. `a_times_as_fast_as_b` above 1
means that a is the faster, `a_times_as_long_as_b` above 1 that a takes longer.
"""
# Columns of a scenario's table, and their headings.
COLUMNS = {
    "rate": "answers/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "errors": "errors",
    "statements": "SQL statements",
    "rows": "rows",
    "postgresql_bytes": "bytes from PostgreSQL",
    "postgresql_round_trips": "round trips to PostgreSQL",
    "postgresql_connections": "PostgreSQL connections",
    "memcached_round_trips": "round trips to memcached",
    "memcached_connections": "memcached connections",
    "web_cpu": "web CPU",
    "postgresql_cpu": "PostgreSQL CPU",
    "memcached_cpu": "memcached CPU",
}
COLUMNS_SAY = (
    "Statements, rows, bytes, round trips and connections are of one request, sent alone and on warm caches "
    "to a process whose services are behind relays that count. CPU is seconds a thousand requests. `–`: not "
    "counted."
)

type Result = Mapping[str, Any]


def results(folder: Path = PUBLISHED) -> list[Result]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def files(folder: Path = PUBLISHED) -> dict[str, str]:
    """What the folder should have beside the results, by the names of the files."""
    found = results(folder)
    pages = {"README.md": "\n".join([BEGINNING, *(line for each in found for line in _subject(each))])}
    for each in found:
        for name, chart in each.get("charts", {}).items():
            pages[f"{each['subject']}-{name}.svg"] = bars(chart["title"], chart["values"], ours=chart["ours"])
    return pages


def write(folder: Path = PUBLISHED) -> None:
    for name, text in files(folder).items():
        (folder / name).write_text(text)


def _subject(result: Result) -> Iterator[str]:
    name, machine = result["subject"], result["machine"]
    yield f"## {name}\n"
    yield (
        f"[{name}.json]({name}.json), {result['measured_at'][:10]}, commit {result['commit']}, size"
        f" {result['size']}, {machine['cores']} cores of {machine['processor']}, Python"
        f" {result['versions']['python']}, Django {result['versions']['django']}, PostgreSQL"
        f" {result['versions']['postgresql']}\n"
    )
    for chart in result.get("charts", {}):
        yield f"![{result['charts'][chart]['title']}]({name}-{chart}.svg)\n"
    yield from _table(
        ["figure", "median", "lowest", "highest", "rounds"],
        ([f"`{key}`", *_figure(figure)] for key, figure in result["figures"].items()),
    )
    if removed := result.get("removed"):
        yield "### Each one removed from the whole\n"
        yield "Of each scenario the column that is the worst, where it is 1.2 times as bad at least.\n"
        yield from _table(
            ["without", "scenario", "column", "the whole", "without it", "times as bad"],
            (_removed(name, row) for name, rows in removed.items() for row in rows),
        )
    if descriptions := result.get("descriptions"):
        yield from (f"- **{key}**: {text}" for key, text in descriptions.items())
        yield ""
        yield f"{COLUMNS_SAY}\n"
        for scenario, by in result["rounds"].items():
            yield from _scenario(scenario, by)
    if memory := result.get("pss_mb"):
        yield "### Memory of a worker after the run\n"
        yield from _table(["", "PSS, MB"], ([key, f"{value:g}"] for key, value in memory.items()))


def _figure(figure: Mapping[str, float]) -> list[str]:
    return [f"{figure[key]:g}" if key in figure else "" for key in ("value", "lowest", "highest", "rounds")]


def _removed(name: str, row: Mapping[str, Any]) -> list[str]:
    factor = row["times_worse"]
    spread = f"{shown(factor['value'])} ({shown(factor['lowest'])}–{shown(factor['highest'])})"
    return [name, row["scenario"], row["column"], shown(row["whole"]), shown(row["without"]), spread]


def _scenario(scenario: str, by: Mapping[str, Mapping[str, list[float]]]) -> Iterator[str]:
    yield f"### {scenario}\n"
    yield from _table(
        ["", *COLUMNS.values()],
        ([name, *(_cell(column, columns.get(column)) for column in COLUMNS)] for name, columns in by.items()),
    )


def _cell(column: str, rounds: list[float] | None) -> str:
    """The median; of a rate, also the lowest and the highest round."""
    if not rounds:
        return "–"
    median = statistics.median(rounds)
    if column == "rate":
        return f"{shown(median)} ({shown(min(rounds))}–{shown(max(rounds))})"
    return f"{median:.1%}" if column == "errors" else shown(median)


def _table(heading: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"| {' | '.join(['---', *['---:'] * (len(heading) - 1)])} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
