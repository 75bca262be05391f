"""Timelines: this site's SQL beside the ORM, plain SQL, and a table filled on write.

A network page is measured for viewers who follow 10, 100, 1,000 and 5,000 active or dormant people, on its
first page and deep down (the last full page, at most the 1,000th). Where a first page is kept, it is measured
with `NEWER` kwips newer than that, and beside the two plans alone. Each rival returns the ids of one page,
with the versions that the keys of cached cards need, shares among them; the ORM, as one would write it,
returns kwips alone.
"""

import itertools
import os
import statistics
from dataclasses import dataclass, field

from bench.lib.community import FOLLOWEES, KWIPS, PEOPLE, Viewers, community, viewers
from bench.lib.database import postgres
from bench.lib.measure import Ratio, Timing, interleaved, times_as_fast, times_as_long
from bench.lib.report import Result
from bench.lib.servers import memcached
from bench.timelines.rivals import Cell, check_rivals_agree, everyone_rivals, keep, network_rivals, publish
from bench.timelines.shields import beside_bare

PROGRAMS, MODULES = ("memcached",), ()
CELLS = [Cell(*cell) for cell in itertools.product(FOLLOWEES, ("active", "dormant"), (False, True))]
# Kwips that are newer than a kept first page: it is not kept anew yet.
NEWER = 100
# The viewer of whom the documentation speaks.
TYPICAL = Cell(100, "active", deep=False)
LARGE_DORMANT = [Cell(followees, "dormant", deep=False) for followees in (1_000, 5_000)]
SHOWN = ["ours", "our two plans", "materialised", "plain IN", "plain LATERAL", "ORM and Paginator"]


@dataclass
class Measured:
    """Each cell's network page, and the pages of everyone's timeline: timings by the rival's name.

    Page 1 of the large dormant networks, beside that of the typical viewer: ratios by the cell's name.
    Pages of viewers with 200 blocks and mutes, beside those of viewers with none.
    """

    cells: dict[Cell, dict[str, Timing]] = field(default_factory=dict)
    everyone: dict[str, Timing] = field(default_factory=dict)
    dormant: dict[str, Ratio] = field(default_factory=dict)
    shielded: dict[str, Ratio] = field(default_factory=dict)


def run(*, size: str) -> Result:
    """Measures the small community, and at full size the large one, too."""
    with postgres() as server, memcached() as address:
        os.environ["MEMCACHED_SERVERS"] = address
        measured = {}
        for each in ("small", "full")[: 1 if size == "small" else 2]:
            with community(server, f"timelines_{each}", kwips=KWIPS[each]):
                measured[each] = measure(KWIPS[each])
    result = measured[size]
    figures = network_figures(result.cells) | everyone_figures(result.everyone)
    figures["dormant_vs_100_active"] = worst(result.dormant)
    figures["worst_with_200_blocks_and_mutes_vs_bare"] = worst(of_kind(result.shielded, "shields"))
    figures["worst_with_200_silenced_words_too_vs_bare"] = worst(of_kind(result.shielded, "words"))
    if size == "full":
        figures["growth_200k_to_2m"] = growth(measured)
    details = {
        "people": PEOPLE,
        "kwips": KWIPS[size],
        "network": network_details(result.cells),
        "dormant_times_as_long_as_100_active": {
            name: ratio.as_json() for name, ratio in result.dormant.items()
        },
        "with_200_blocks_and_mutes_times_as_long_as_bare": {
            name: ratio.as_json() for name, ratio in result.shielded.items()
        },
        "network_milliseconds": {cell.name: as_json(timings) for cell, timings in result.cells.items()},
        "everyone_milliseconds": as_json(result.everyone),
    }
    return Result(figures, details, table(result))


def measure(kwips: int) -> Measured:
    """Measures every cell and everyone's timeline."""
    measured, people = Measured(), viewers()
    for cell in CELLS:
        if not cell.deep:
            keep([people[cell.followees, cell.kind]])
            publish(NEWER)
        rivals = network_rivals(people[cell.followees, cell.kind], cell)
        check_rivals_agree(rivals)
        measured.cells[cell] = interleaved(rivals)
        print(f"{kwips:>9,} kwips · {cell.name}")
    measured.everyone = interleaved(everyone_rivals(kwips))
    measured.dormant = dormant_beside_typical(people)
    measured.shielded = beside_bare(people)
    return measured


def dormant_beside_typical(people: Viewers) -> dict[str, Ratio]:
    """Page 1 of each large dormant network beside 100 active followees', in turns."""
    cells = (TYPICAL, *LARGE_DORMANT)
    keep(people[cell.followees, cell.kind] for cell in cells)
    publish(NEWER)
    rivals = [network_rivals(people[cell.followees, cell.kind], cell) for cell in cells]
    timings = interleaved({cell.name: each["ours"] for cell, each in zip(cells, rivals, strict=True)})
    return {cell.name: times_as_long(timings[cell.name], timings[TYPICAL.name]) for cell in LARGE_DORMANT}


def network_figures(cells: dict[Cell, dict[str, Timing]]) -> dict[str, Ratio | float | int]:
    """The figures of the network page: the worst cell, except where one cell is named."""
    typical = cells[TYPICAL]
    return {
        "network_page_times_as_fast_as_orm": times_as_fast(typical["ours"], typical["ORM and Paginator"]),
        "worst_active_cell_vs_materialized": worst(beside_materialised(cells)),
        "worst_deep_network_page_times_as_long_as_page_1": worst(deep_beside_page_1(cells)),
        "slowest_network_page_ms": round(max(timings["ours"].median for timings in cells.values()), 3),
    }


def of_kind(ratios: dict[str, Ratio], kind: str) -> dict[str, Ratio]:
    return {name: ratio for name, ratio in ratios.items() if name.endswith(kind)}


def worst(ratios: dict[str, Ratio]) -> Ratio:
    return max(ratios.values(), key=lambda ratio: ratio.value)


def beside_materialised(cells: dict[Cell, dict[str, Timing]]) -> dict[str, Ratio]:
    return {
        cell.name: times_as_long(timings["ours"], timings["materialised"])
        for cell, timings in cells.items()
        if cell.kind == "active"
    }


def deep_beside_page_1(cells: dict[Cell, dict[str, Timing]]) -> dict[str, Ratio]:
    return {
        f"{followees} {kind}": times_as_long(
            cells[Cell(followees, kind, deep=True)]["ours"], cells[Cell(followees, kind, deep=False)]["ours"]
        )
        for followees, kind in itertools.product(FOLLOWEES, ("active", "dormant"))
    }


def beside_lateral(cells: dict[Cell, dict[str, Timing]]) -> dict[str, dict[str, float]]:
    """Dormant cells: our page beside the plain LATERAL, whole, and without the window's share."""
    found = {}
    for cell, timings in cells.items():
        if cell.kind == "dormant":
            ours, lateral = timings["ours"], timings["plain LATERAL"]
            found[cell.name] = {"whole": round(times_as_long(ours, lateral).value, 2)}
            if window := timings.get("our window alone"):
                rounds = zip(ours.rounds, window.rounds, lateral.rounds, strict=True)
                found[cell.name]["without_the_window"] = round(
                    statistics.median((whole - tried) / other for whole, tried, other in rounds), 2
                )
    return found


def network_details(cells: dict[Cell, dict[str, Timing]]) -> dict[str, object]:
    return {
        "times_as_long_as_materialised": {
            name: ratio.as_json() for name, ratio in beside_materialised(cells).items()
        },
        "deep_times_as_long_as_page_1": {
            name: ratio.as_json() for name, ratio in deep_beside_page_1(cells).items()
        },
        "dormant_times_as_long_as_plain_lateral": beside_lateral(cells),
        "slowest": max(cells, key=lambda cell: cells[cell]["ours"].median).name,
    }


def everyone_figures(everyone: dict[str, Timing]) -> dict[str, Ratio | float | int]:
    """Everyone's timeline, first page and deep down: `everyone_page_1_times_as_fast_as_orm` and so on."""
    ours_first, orm_first, ours_deep, orm_deep = everyone.values()
    deep = next(name for name, timing in everyone.items() if timing is ours_deep).rpartition(" ")[2]
    return {
        "everyone_page_1_times_as_fast_as_orm": times_as_fast(ours_first, orm_first),
        f"everyone_page_{deep.replace(',', '')}_times_as_fast_as_orm": times_as_fast(ours_deep, orm_deep),
        f"everyone_page_{deep.replace(',', '')}_times_as_long_as_page_1": times_as_long(
            ours_deep, ours_first
        ),
    }


def growth(measured: dict[str, Measured]) -> float:
    """The time at full size over the time at small size, of the cell where it is largest."""
    small, full = measured["small"].cells, measured["full"].cells
    return round(max(full[cell]["ours"].median / small[cell]["ours"].median for cell in CELLS), 2)


def as_json(timings: dict[str, Timing]) -> dict[str, object]:
    return {name: timing.as_json() for name, timing in timings.items()}


def table(measured: Measured) -> list[str]:
    lines = ["", f"{'milliseconds a page':<24}" + "".join(f"{name:>19}" for name in SHOWN)]
    for cell, timings in measured.cells.items():
        medians = {name: f"{timing.median:.2f}" for name, timing in timings.items()}
        lines.append(f"{cell.name:<24}" + "".join(f"{medians.get(name, ''):>19}" for name in SHOWN))
    for name, timing in measured.everyone.items():
        lines.append(f"everyone: {name:<40}{timing.median:>10.2f}")
    return lines
