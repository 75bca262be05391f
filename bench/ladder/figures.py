"""The result of a run: figures, the tables' data, and lines for the terminal."""

import statistics
from collections.abc import Mapping, Sequence

from bench.ladder.configurations import BARE_WSGI, BEST, DESCRIPTIONS, EDGE, NGINX_FILE, STOCK, WHOLE, removed
from bench.ladder.journal import Cell
from bench.lib.measure import Ratio
from bench.lib.report import Result

KNEE_MS = 500.0
KNEE_ERRORS = 0.01

type Values = Mapping[Cell, Mapping[str, float]]
type Rounds = dict[str, dict[str, dict[str, list[float]]]]

# What each optimization is for: a scenario, a column, and whether more of it is better.
FOR = {
    "pagecache": ("front page", "rate", True),
    "lookaside": ("network 100 active", "rate", True),
    "sql": ("network 5000 dormant", "rate", True),
    "dbpool": ("network 100 active", "rate", True),
    "commandqueue": ("contact, mail slow", "p50_ms", False),
    "keyset": ("from page 1,000 on", "rate", True),
}


def rounds_of(values: Values) -> Rounds:
    """Each column's rounds, by scenario and configuration."""
    found: Rounds = {}
    for cell in sorted(values, key=lambda cell: cell.round):
        columns = found.setdefault(cell.scenario, {}).setdefault(cell.configuration, {})
        for column, value in values[cell].items():
            columns.setdefault(column, []).append(value)
    return found


def result(values: Values, memory: Mapping[str, float]) -> Result:
    rounds = rounds_of(values)
    details = {
        "descriptions": DESCRIPTIONS,
        "pss_mb": memory,
        "charts": charts(rounds),
        "rounds": rounds,
    }
    return Result(figures(rounds), details, table(rounds))


def figures(rounds: Rounds) -> dict[str, Ratio | float | int]:
    found: dict[str, Ratio | float | int] = {}
    for scenario, by in rounds.items():
        for other in (STOCK, BEST):
            if scenario.startswith("mix"):
                continue
            if scenario.startswith("contact"):
                # Latency: without the queue there is no answer that is no error, or a late one.
                name = f"{slug(scenario)}_{other}_times_as_long_as_whole"
                found[name] = ratio(by, other, WHOLE, "p50_ms")
                continue
            found[f"{slug(scenario)}_whole_times_as_fast_as_{other}"] = ratio(by, WHOLE, other, "rate")
    front = rounds["front page"]
    found["front_page_edge_times_as_fast_as_file"] = ratio(front, EDGE, NGINX_FILE, "rate")
    found["front_page_edge_times_as_fast_as_stock"] = ratio(front, EDGE, STOCK, "rate")
    for optimization, (scenario, column, more_is_better) in FOR.items():
        one, other = (WHOLE, removed(optimization)) if more_is_better else (removed(optimization), WHOLE)
        name = f"{slug(scenario)}_whole_times_as_fast_as_without_{optimization}"
        found[name] = ratio(rounds[scenario], one, other, column)
    dead, fast = (rounds[f"contact, mail {mail}"][WHOLE]["p50_ms"] for mail in ("dead", "fast"))
    found["contact_mail_dead_times_as_long_as_fast"] = Ratio(
        tuple(a / b for a, b in zip(dead, fast, strict=True))
    )
    few = rounds["network 100 active"][WHOLE]["rate"]
    for name in ("5000 active", "5000 dormant"):
        many = rounds[f"network {name}"][WHOLE]["rate"]
        found[f"network_{slug(name)}_times_as_long_as_100_active"] = Ratio(
            tuple(a / b for a, b in zip(few, many, strict=True))
        )
    knees_by = knees(rounds)
    for other in (STOCK, BEST):
        pairs = zip(knees_by[WHOLE], knees_by[other], strict=True)
        found[f"mix_knee_whole_times_as_fast_as_{other}"] = Ratio(tuple(a / b for a, b in pairs))
    return found


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

    def rates(scenario: str, names: Sequence[str]) -> dict[str, float]:
        return {name: statistics.median(rounds[scenario][name]["rate"]) for name in names}

    front = rates("front page", [STOCK, BEST, BARE_WSGI, WHOLE, EDGE, NGINX_FILE])
    network = rates("network 100 active", list(rounds["network 100 active"]))
    mix = {name: statistics.median(each) for name, each in knees(rounds).items()}
    titles = {
        "front-page": ("Anonymous front page, answers a second", front),
        "network": ("A member's network page (100 followees), answers a second", network),
        "mix": ("The mix at its knee, answers a second", mix),
    }
    return {
        name: {"title": title, "values": values, "ours": WHOLE} for name, (title, values) in titles.items()
    }


def ratio(by: Mapping[str, Mapping[str, list[float]]], one: str, other: str, column: str) -> Ratio:
    """How many times the other's value ``one`` has, round by round."""
    pairs = zip(by[one][column], by[other][column], strict=True)
    return Ratio(tuple(a / max(b, 1e-9) for a, b in pairs))


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
            lines.append(
                f"  {name:<22}{median['rate']:>10,.0f}{median['p50_ms']:>9.1f}{median['p99_ms']:>9.1f}"
                f"{median['errors']:>8.1%}{median['statements']:>7.1f}{median['rows']:>9.1f}"
            )
    return lines
