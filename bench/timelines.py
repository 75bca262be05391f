"""Timelines: this site's SQL against Django's ORM, the two plain ways, and a table filled on write.

A network page is measured for people who follow 10, 100, 1,000 and 5,000 others, active or dormant ones, on
its first page and deep down (the followees' last full page, at most the 1,000th). Every rival returns the ids
of one page with the versions that the cards' keys need; the ORM, as one would write it, returns the kwips.
"""

import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.database import postgres, use
from bench.measure import Call, Figure, interleaved, ratio

PEOPLE = 20_000
KWIPS = {"small": 200_000, "full": 2_000_000}
FOLLOWEES = (10, 100, 1_000, 5_000)
DORMANT = 5_000
PAGE = 20
DEEPEST = 1_000
SEED = 2008


@dataclass(frozen=True)
class Cell:
    """A viewer: how many they follow, of what kind, and which page they look at."""

    followees: int
    kind: str
    deep: bool

    @property
    def name(self) -> str:
        return f"{self.followees} {self.kind}, {'deep' if self.deep else 'page 1'}"


CELLS = [Cell(*cell) for cell in itertools.product(FOLLOWEES, ("active", "dormant"), (False, True))]


def run(*, size: str) -> None:
    """Measures, prints the ratios and writes the result."""
    with postgres(*map(database, KWIPS.values())):
        import django

        django.setup()
        measured = {KWIPS["small"]: measure(KWIPS["small"])}
        if size == "full":
            measured[KWIPS["full"]] = measure(KWIPS["full"])
    kwips = KWIPS[size]
    cells, lists = measured[kwips]
    ratios = network_ratios(cells) | list_ratios(lists, size=size)
    if size == "full":
        ratios["growth_200k_to_2m"] = growth(measured[KWIPS["small"]][0], cells)
    details = {
        "people": PEOPLE,
        "kwips": kwips,
        "milliseconds": {
            cell.name: {name: figure.as_json() for name, figure in figures.items()}
            for cell, figures in cells.items()
        },
        "everyone_milliseconds": {name: figure.as_json() for name, figure in lists.items()},
    }
    path = report.write("timelines", size=size, ratios=ratios, details=details)
    plot(cells, path.with_suffix(".svg"))
    print_table(cells, lists, ratios)
    print(f"\n{path}")


def database(kwips: int) -> str:
    """A database for each size, so that neither is filled twice."""
    return f"timelines_{kwips}"


def measure(kwips: int) -> tuple[dict[Cell, dict[str, Figure]], dict[str, Figure]]:
    """Fills the database where it is not, and measures every cell and the list of everyone."""
    from bench._timelines_data import fill

    use(database(kwips))
    viewers = fill(people=PEOPLE, kwips=kwips, followees=FOLLOWEES, dormant=DORMANT, seed=SEED)
    cells = {}
    for cell in CELLS:
        rivals = network_rivals(viewers[cell.followees, cell.kind], cell)
        check_rivals_agree(rivals)
        cells[cell] = interleaved(rivals)
        print(f"{kwips:>9,} kwips · {cell.name}")
    return cells, interleaved(everyone_rivals(kwips))


def network_rivals(viewer_id: int, cell: Cell) -> dict[str, Call]:
    """The ways to read one page of one person's network, by name."""
    from django.core.paginator import Paginator

    from apps.accounts.models import User
    from apps.feeds import queries
    from apps.graph.models import Follow
    from apps.keyset import Seek
    from apps.kwips.models import Kwip

    viewer = User.objects.get(pk=viewer_id)
    timeline = queries.network(viewer_id=viewer_id, following_count=viewer.following_count)
    number, cursor = page_of(viewer_id, deep=cell.deep)
    seek = Seek(timeline.order, (cursor,), backward=False, limit=PAGE + 1)
    parameters = {"viewer": viewer_id, "cursor": cursor, "limit": PAGE + 1}

    def orm() -> object:
        followees = Follow.objects.filter(follower=viewer_id).values("followee")
        network = Kwip.objects.filter(thread=None, author__in=followees) | Kwip.objects.filter(
            thread=None, author=viewer_id
        )
        pages = Paginator(network.select_related("author").order_by("-id"), PAGE)
        page = pages.page(number)
        return [kwip.pk for kwip in page], page.has_next()

    rivals: dict[str, Call] = {
        "ours": lambda: [entry.id for entry in timeline.fetch(seek)],
        "plain IN": lambda: rows(PLAIN_IN, parameters),
        "plain LATERAL": lambda: rows(PLAIN_LATERAL, parameters),
        "materialised": lambda: rows(MATERIALISED, parameters),
        "ORM and Paginator": orm,
    }
    if viewer.following_count > queries.FEW_FOLLOWEES:
        rivals["our window alone"] = lambda: queries.run(
            "network_window", seek, viewer_id=viewer_id, window=queries.WINDOW
        )
    return rivals


def check_rivals_agree(rivals: dict[str, Call]) -> None:
    """A rival that answers something else is no rival."""
    wanted = rivals["ours"]()
    for name in ("plain IN", "plain LATERAL", "materialised"):
        found = rivals[name]()
        if found != wanted:
            raise SystemExit(f"{name} and ours differ: {found} {wanted}")


def everyone_rivals(kwips: int) -> dict[str, Call]:
    """Everyone's kwips with all that their cards show: by keyset and by Paginator."""
    from django.core.paginator import Paginator

    from apps.feeds import queries
    from apps.keyset import Seek
    from apps.kwips.models import Kwip
    from apps.kwips.queries import cards

    timeline = queries.everyone(viewer_id=None)
    everything = Kwip.objects.filter(thread=None).select_related("author").order_by("-id")

    def ours(cursor: int) -> Callable[[], object]:
        seek = Seek(timeline.order, (cursor,), backward=False, limit=PAGE + 1)
        return lambda: cards([entry.id for entry in timeline.fetch(seek)[:PAGE]])

    def orm(number: int) -> Callable[[], object]:
        return lambda: list(Paginator(everything, PAGE).page(number))

    deep = min(10_000, kwips // PAGE)
    below = everything.values_list("pk", flat=True)[(deep - 1) * PAGE - 1]
    return {
        "ours, page 1": ours(2**63 - 1),
        "ORM and Paginator, page 1": orm(1),
        f"ours, page {deep:,}": ours(below),
        f"ORM and Paginator, page {deep:,}": orm(deep),
    }


def page_of(viewer_id: int, *, deep: bool) -> tuple[int, int]:
    """The page's number and the id below which it begins."""
    if not deep:
        return 1, 2**63 - 1
    total = rows("SELECT count(*) FROM bench_timeline WHERE owner_id = %(viewer)s", {"viewer": viewer_id})[0]
    number = max(1, min(DEEPEST, total // PAGE))
    if number == 1:
        return 1, 2**63 - 1
    sql = """
        SELECT kwip_id FROM bench_timeline WHERE owner_id = %(viewer)s
        ORDER BY kwip_id DESC OFFSET %(skip)s LIMIT 1
    """
    return number, rows(sql, {"viewer": viewer_id, "skip": (number - 1) * PAGE - 1})[0]


def rows(sql: str, parameters: dict[str, Any]) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor.fetchall()]


_WITH_VERSIONS = """
    SELECT page.id, kwip.version, author.version
    FROM ({page}) AS page
    JOIN kwips_kwip AS kwip ON kwip.id = page.id
    JOIN accounts_user AS author ON author.id = kwip.author_id
    ORDER BY page.id DESC
"""
PLAIN_IN = _WITH_VERSIONS.format(
    page="""
    SELECT k.id FROM kwips_kwip k
    WHERE k.thread_id IS NULL AND k.id < %(cursor)s
      AND (k.author_id = %(viewer)s
           OR k.author_id IN (SELECT f.followee_id FROM graph_follow f WHERE f.follower_id = %(viewer)s))
    ORDER BY k.id DESC LIMIT %(limit)s"""
)
PLAIN_LATERAL = _WITH_VERSIONS.format(
    page="""
    SELECT k.id
    FROM (SELECT f.followee_id AS id FROM graph_follow f WHERE f.follower_id = %(viewer)s
          UNION ALL SELECT %(viewer)s) network
    CROSS JOIN LATERAL (
        SELECT k.id FROM kwips_kwip k
        WHERE k.thread_id IS NULL AND k.author_id = network.id AND k.id < %(cursor)s
        ORDER BY k.id DESC LIMIT %(limit)s
    ) k
    ORDER BY k.id DESC LIMIT %(limit)s"""
)
MATERIALISED = _WITH_VERSIONS.format(
    page="""
    SELECT t.kwip_id AS id FROM bench_timeline t
    WHERE t.owner_id = %(viewer)s AND t.kwip_id < %(cursor)s
    ORDER BY t.kwip_id DESC LIMIT %(limit)s"""
)


def network_ratios(cells: dict[Cell, dict[str, Figure]]) -> dict[str, object]:
    active = {
        cell: ratio(figures["ours"], figures["materialised"])
        for cell, figures in cells.items()
        if cell.kind == "active"
    }
    worst = max(active, key=lambda cell: active[cell])
    deep = {
        f"{followees} {kind}": ratio(
            cells[Cell(followees, kind, True)]["ours"], cells[Cell(followees, kind, False)]["ours"]
        )
        for followees, kind in itertools.product(FOLLOWEES, ("active", "dormant"))
    }
    dormant = {}
    for cell, figures in cells.items():
        if cell.kind == "dormant":
            entry = {"whole": round(ratio(figures["ours"], figures["plain LATERAL"]), 2)}
            if "our window alone" in figures:
                entry["less_the_window"] = round(
                    statistics.median(
                        (ours - window) / lateral
                        for ours, window, lateral in zip(
                            figures["ours"].rounds,
                            figures["our window alone"].rounds,
                            figures["plain LATERAL"].rounds,
                            strict=True,
                        )
                    ),
                    2,
                )
            dormant[cell.name] = entry
    slowest = max(cells, key=lambda cell: cells[cell]["ours"].median)
    return {
        "worst_active_cell_vs_materialized": round(active[worst], 2),
        "worst_active_cell": worst.name,
        "deep_vs_page1": round(max(deep.values()), 2),
        "deep_vs_page1_by_network": {name: round(value, 2) for name, value in deep.items()},
        "dormant_vs_lateral": dormant,
        "slowest_cell": slowest.name,
        "slowest_cell_ms": round(cells[slowest]["ours"].median, 3),
    }


def list_ratios(lists: dict[str, Figure], *, size: str) -> dict[str, object]:
    ours1, orm1, ours_deep, orm_deep = lists.values()
    ratios: dict[str, object] = {"orm_vs_ours_page1": round(ratio(orm1, ours1), 1)}
    if size == "full":
        ratios["orm_vs_ours_page10000"] = round(ratio(orm_deep, ours_deep), 1)
    return ratios


def growth(small: dict[Cell, dict[str, Figure]], full: dict[Cell, dict[str, Figure]]) -> float:
    """The worst cell's time at full size over its time at small."""
    return round(max(full[cell]["ours"].median / small[cell]["ours"].median for cell in CELLS), 2)


def print_table(
    cells: dict[Cell, dict[str, Figure]], lists: dict[str, Figure], ratios: dict[str, object]
) -> None:
    names = ["ours", "materialised", "plain IN", "plain LATERAL", "ORM and Paginator"]
    print(f"\n{'milliseconds a page':<24}" + "".join(f"{name:>19}" for name in names))
    for cell, figures in cells.items():
        print(f"{cell.name:<24}" + "".join(f"{figures[name].median:>19.2f}" for name in names))
    for name, figure in lists.items():
        print(f"everyone: {name:<40}{figure.median:>10.2f}")
    for key, value in ratios.items():
        print(f"{key}: {value}")


def plot(cells: dict[Cell, dict[str, Figure]], path: Path) -> None:
    """Milliseconds of each cell, on a logarithmic scale, one bar a rival."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    names = ["ours", "materialised", "plain IN", "plain LATERAL", "ORM and Paginator"]
    colours = ["#7d9b2f", "#bbd26c", "#8db4d8", "#4f7fa8", "#c9c9c9"]
    figure, axes = plt.subplots(figsize=(11, 8))
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        positions = [row + (place - 2) * 0.16 for row in range(len(cells))]
        axes.barh(
            positions, [figures[name].median for figures in cells.values()], 0.15, label=name, color=colour
        )
    axes.set_xscale("log")
    axes.set_yticks(range(len(cells)), [cell.name for cell in cells])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a page (median of rounds, logarithmic)")
    axes.set_title("A page of the network timeline")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
