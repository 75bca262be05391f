"""The result of a run: figures, the tables' data, and lines for the terminal."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from bench.ladder.configurations import (
    BARE_VIEW,
    BARE_WSGI,
    BEST,
    DESCRIPTIONS,
    EDGE,
    NGINX_FILE,
    OPTIMIZATIONS,
    STOCK,
    WHOLE,
    removed,
)
from bench.ladder.journal import COUNTING, Cell
from bench.ladder.scenarios import TENTH
from bench.lib.measure import Ratio
from bench.lib.report import Result

KNEE_MS = 500.0
KNEE_ERRORS = 0.01

type Values = Mapping[Cell, Mapping[str, float]]
type Columns = Mapping[str, list[float]]
type Rounds = dict[str, dict[str, dict[str, list[float]]]]
type Figures = dict[str, Ratio | float | int]

# What each optimization is for: a scenario, and the column that is worse without it.
FOR = {
    "pagecache": ("front page", "rate"),
    "lookaside": ("network 100 active", "rate"),
    "sql": ("network 5000 dormant", "rate"),
    "dbpool": ("network 100 active", "rate"),
    "commandqueue": ("contact, mail slow", "p50_ms"),
    "keyset": ("from page 1,000 on", "rate"),
}
# Columns that are compared where one is removed, in words; of the rate more is better, of the others less.
COMPARED = {
    "rate": "answers a second",
    "p50_ms": "p50",
    "statements": "SQL statements",
    "postgresql_bytes": "bytes from PostgreSQL",
    "postgresql_round_trips": "round trips to PostgreSQL",
    "web_cpu": "CPU of web",
    "postgresql_cpu": "CPU of PostgreSQL",
}
WORST = 4  # rows for each one that is removed
LEAST = 1.2  # times as bad, or it is no row


def rounds_of(values: Values) -> Rounds:
    """Each column's rounds, by scenario and configuration. What is counted has one value."""
    found: Rounds = {}
    for cell in sorted(values, key=_place):
        columns = found.setdefault(cell.scenario, {}).setdefault(cell.configuration, {})
        for column, value in values[cell].items():
            columns.setdefault(column, []).append(value)
    return found


def _place(cell: Cell) -> tuple[bool, bool, int]:
    return cell.scenario.endswith(TENTH), cell.round == COUNTING, cell.round


def result(values: Values, memory: Mapping[str, float]) -> Result:
    rounds = rounds_of(values)
    details = {
        "descriptions": DESCRIPTIONS,
        "pss_mb": memory,
        "removed": {name: worse_without(rounds, name) for name in OPTIMIZATIONS},
        "charts": charts(rounds),
        "rounds": rounds,
    }
    return Result(figures(rounds), details, table(rounds))


def figures(rounds: Rounds) -> Figures:
    found: Figures = {}
    for scenario, by in rounds.items():
        for other in (STOCK, BEST):
            if scenario.startswith("mix") or scenario.endswith(TENTH):
                continue
            if scenario.startswith("contact"):
                # Latency: without the queue there is no answer that is no error, or a late one.
                name = f"{slug(scenario)}_{other}_times_as_long_as_whole"
                found[name] = ratio(by, other, WHOLE, "p50_ms")
                continue
            found[f"{slug(scenario)}_whole_times_as_fast_as_{other}"] = ratio(by, WHOLE, other, "rate")
    found |= _of_pages(rounds) | _of_growth(rounds) | _of_writes(rounds)
    return found | _of_removed(rounds) | _of_the_mix(rounds)


def _of_pages(rounds: Rounds) -> Figures:
    front, few = rounds["front page"], rounds["network 100 active"][WHOLE]["rate"]
    found: Figures = {
        "front_page_edge_times_as_fast_as_file": ratio(front, EDGE, NGINX_FILE, "rate"),
        "front_page_edge_times_as_fast_as_stock": ratio(front, EDGE, STOCK, "rate"),
        "front_page_whole_times_as_fast_as_bare_wsgi": ratio(front, WHOLE, BARE_WSGI, "rate"),
    }
    for name in ("5000 active", "5000 dormant"):
        many = rounds[f"network {name}"][WHOLE]["rate"]
        found[f"network_{slug(name)}_times_as_long_as_100_active"] = _by_round(few, many)
    reads = [by for scenario, by in rounds.items() if scenario.startswith("network") and "," not in scenario]
    for other in (STOCK, BEST):
        # The member's page that gains the least.
        each = [ratio(by, WHOLE, other, "rate") for by in reads]
        found[f"slowest_network_whole_times_as_fast_as_{other}"] = min(each, key=lambda one: one.value)
    return found


def _of_growth(rounds: Rounds) -> Figures:
    """How much longer pages take where there are ten times the kwips; only the full size has them."""
    found: Figures = {}
    for scenario, few in rounds.items():
        if not scenario.endswith(TENTH):
            continue
        page = scenario.removesuffix(TENTH)
        for name, columns in few.items():
            rates = columns["rate"]
            many = rounds[page][name]["rate"][: len(rates)]
            found[f"{slug(page)}_{name}_times_as_long_with_ten_times_the_kwips"] = _by_round(rates, many)
    return found


def _of_writes(rounds: Rounds) -> Figures:
    dead, fast = (rounds[f"contact, mail {mail}"][WHOLE]["p50_ms"] for mail in ("dead", "fast"))
    return {
        "contact_mail_dead_times_as_long_as_fast": _by_round(dead, fast),
        "publish_whole_times_as_long_as_bare_view": ratio(rounds["publish"], WHOLE, BARE_VIEW, "p50_ms"),
    }


def _of_removed(rounds: Rounds) -> Figures:
    return {
        f"{slug(scenario)}_whole_times_as_fast_as_without_{optimization}": worse(
            rounds[scenario][removed(optimization)], rounds[scenario][WHOLE], column
        )
        for optimization, (scenario, column) in FOR.items()
    }


def _of_the_mix(rounds: Rounds) -> Figures:
    by = knees(rounds)
    return {
        f"mix_knee_{ours}_times_as_fast_as_{other}": _by_round(by[ours], by[other])
        for ours in (WHOLE, EDGE)
        for other in (STOCK, BEST)
    }


def worse_without(rounds: Rounds, optimization: str) -> list[dict[str, object]]:
    """The columns that are the worst without the optimization, one of a scenario; its own first."""
    found: list[dict[str, object]] = []
    own = FOR[optimization]
    for scenario, by in rounds.items():
        if removed(optimization) not in by:
            continue
        one, whole = by[removed(optimization)], by[WHOLE]
        factors = {column: worse(one, whole, column) for column in COMPARED if _has(one, whole, column)}
        if not factors:
            continue
        column = own[1] if scenario == own[0] else max(factors, key=lambda name: factors[name].value)
        if scenario == own[0] or factors[column].value >= LEAST:
            found.append(
                {
                    "scenario": scenario,
                    "column": COMPARED[column],
                    "without": statistics.median(one[column]),
                    "whole": statistics.median(whole[column]),
                    "times_worse": factors[column].as_json(),
                }
            )
    found.sort(key=lambda row: (row["scenario"] != own[0], -row["times_worse"]["value"]))  # type: ignore[index]
    return found[:WORST]


def _has(one: Columns, whole: Columns, column: str) -> bool:
    """Whether both were measured, and none is so small that a factor says nothing."""
    return all(statistics.median(each.get(column) or [0.0]) > 0 for each in (one, whole))


def worse(one: Columns, whole: Columns, column: str) -> Ratio:
    """How many times as bad the column is."""
    pair = (whole[column], one[column]) if column == "rate" else (one[column], whole[column])
    return _by_round(*pair)


def knees(rounds: Rounds) -> dict[str, list[float]]:
    """Of each configuration, by round: the most answers a second with a p99 of `KNEE_MS` at most, at any
    number of clients. Where none is so fast, those of the fewest clients."""
    steps = [by for scenario, by in rounds.items() if scenario.startswith("mix")]
    return {
        name: [
            max(
                [
                    step[name]["rate"][number]
                    for step in steps
                    if step[name]["p99_ms"][number] <= KNEE_MS and step[name]["errors"][number] <= KNEE_ERRORS
                ],
                default=steps[0][name]["rate"][number],
            )
            for number in range(len(steps[0][name]["rate"]))
        ]
        for name in steps[0]
    }


def charts(rounds: Rounds) -> dict[str, dict[str, object]]:
    """What the published page shows as bars: rates of two pages, and the knees of the mix."""

    def rates(scenario: str, names: Iterable[str]) -> dict[str, float]:
        return {name: statistics.median(rounds[scenario][name]["rate"]) for name in names}

    front = rates("front page", [STOCK, BEST, BARE_WSGI, WHOLE, EDGE, NGINX_FILE])
    network = rates("network 100 active", rounds["network 100 active"])
    mix = {name: statistics.median(each) for name, each in knees(rounds).items()}
    titles = {
        "front-page": ("Anonymous front page, answers a second", front),
        "network": ("A member's network page (100 followees), answers a second", network),
        "mix": ("The mix at its knee, answers a second", mix),
    }
    return {
        name: {"title": title, "values": values, "ours": WHOLE} for name, (title, values) in titles.items()
    }


def ratio(by: Mapping[str, Columns], one: str, other: str, column: str) -> Ratio:
    """How many times the other's value ``one`` has, round by round."""
    return _by_round(by[one][column], by[other][column])


def _by_round(one: Sequence[float], other: Sequence[float]) -> Ratio:
    return Ratio(tuple(a / max(b, 1e-9) for a, b in zip(one, other, strict=True)))


def slug(scenario: str) -> str:
    return scenario.replace(" ", "_").replace(",", "")


def table(rounds: Rounds) -> list[str]:
    """For the terminal: the medians."""
    lines = []
    for scenario, by in rounds.items():
        lines += [
            "",
            f"{scenario:<24}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}{'SQL':>7}{'rows':>9}",
        ]
        for name, columns in by.items():
            median = {column: statistics.median(each) for column, each in columns.items()}
            counted = "".join(
                f"{median[column]:>{width}.1f}" if column in median else f"{'–':>{width}}"
                for column, width in (("statements", 7), ("rows", 9))
            )
            lines.append(
                f"  {name:<22}{median['rate']:>10,.0f}{median['p50_ms']:>9.1f}{median['p99_ms']:>9.1f}"
                f"{median['errors']:>8.1%}{counted}"
            )
    return lines
