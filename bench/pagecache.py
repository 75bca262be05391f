"""Pages for strangers: this site's page cache beside Django's own, a bare WSGI callable, and a file.

Everything serves one page, compressed, to the same clients of wrk, in turns: gunicorn with ours, with
Django's two middlewares, and with a callable that only returns the same bytes; nginx with its microcache
before ours, and with the same bytes as a file. Then strangers read 5,000 pages, some much more than others
(Zipf), while somebody writes once a second; how many were found is what the answers say themselves.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import _pagecache_servers as servers
from bench import report, timelines
from bench.database import postgres
from bench.measure import Figure, ratio
from deploy.local import services
from deploy.local.edge import Edge
from deploy.local.memcached import Memcached

PAGE = "/everyone/"
URLS = 5_000
# Rounds, seconds of each rival's turn, seconds of the crawl.
SIZES = {"small": (7, 2, 60), "full": (25, 4, 240)}


def run(*, size: str) -> None:
    """Measures, prints the ratios and writes the result."""
    rounds, seconds, crawl_seconds = SIZES[size]
    people, kwips = timelines.PEOPLE, timelines.KWIPS["small"]
    with tempfile.TemporaryDirectory() as temporary, postgres(timelines.database(kwips)):
        folder = services.socket_directory(Path(temporary) / "run")
        with memcached(folder) as address:
            django_set_up(address)
            from bench._timelines_data import fill

            fill(
                people=people,
                kwips=kwips,
                followees=timelines.FOLLOWEES,
                dormant=timelines.DORMANT,
                seed=timelines.SEED,
            )
            hit = cost_of_a_hit()
            figures = rates(Path(temporary), address, rounds=rounds, seconds=seconds)
            crawled = crawl(Path(temporary), address, seconds=crawl_seconds)
    ratios = {
        "nginx_vs_static": compared(figures, "nginx: our page", "nginx: a file"),
        "gunicorn_vs_django_middleware": compared(figures, "ours", "Django's middleware"),
        "gunicorn_vs_bare_wsgi": compared(figures, "ours", "bare WSGI"),
        "crawl_hit_ratio": round(crawled["hits"] / crawled["answers"], 4),
        **hit,
    }
    rates_ = {name: [round(1000 / took) for took in figure.rounds] for name, figure in figures.items()}
    path = report.write(
        "pagecache", size=size, ratios=ratios, details={"requests_a_second": rates_, "crawl": crawled}
    )
    for name, figure in figures.items():
        print(f"{name:32} {1000 / figure.median:10,.0f} requests a second")
    for name, value in ratios.items():
        print(f"{name:32} {value:10}")
    print(f"\n{path}")


def compared(figures: dict[str, Figure], one: str, other: str) -> float:
    """How many times the requests of ``other`` ``one`` answered."""
    return round(ratio(figures[other], figures[one]), 3)


@contextmanager
def memcached(folder: Path) -> Iterator[str]:
    server = Memcached(folder, megabytes=512)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


def django_set_up(memcached: str) -> None:
    os.environ |= {"MEMCACHED_SERVERS": memcached, "STATIC_MANIFEST": "0", "RELEASE": "bench"}
    import django

    django.setup()


def cost_of_a_hit() -> dict[str, int]:
    """SQL statements and round trips to memcached of a page that is kept, in this process."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection
    from django.test import RequestFactory

    from apps import lookaside
    from apps.pagecache import wrapped
    from apps.pagecache.wsgi import called
    from kwippy.observability.server_timing import Queries

    environ = RequestFactory().get(PAGE, headers={"host": "localhost"}).environ
    trips = []
    queries = Queries()
    # The first has it kept; the second has not met it, and then it has.
    for application in [wrapped(WSGIHandler()), wrapped(WSGIHandler())]:
        for _ in range(2):
            with connection.execute_wrapper(queries), lookaside.stats.collected() as cache:
                queries.count = 0
                answer = called(application, environ)
            trips.append(cache.round_trips)
    if dict(answer.headers)["Cache-Status"] != "pagecache; hit":
        raise SystemExit("the page is not kept")
    return {"sql": queries.count, "round_trips": trips[-1], "round_trips_when_first_met": trips[-2]}


def rates(folder: Path, memcached: str, *, rounds: int, seconds: float) -> dict[str, Figure]:
    """Milliseconds a request of each rival, in turns."""
    with ExitStack() as stack:
        ours = stack.enter_context(servers.gunicorn("kwippy.wsgi", ready=PAGE))
        stock = stack.enter_context(
            servers.gunicorn("kwippy.wsgi", ready=PAGE, settings="bench._pagecache_stock_settings")
        )
        for _ in range(3):
            headers, body = servers.fetched(ours, PAGE)
        kept = folder / "page"
        kept.mkdir()
        servers.put_page(kept, body)
        (kept / "headers.json").write_text(json.dumps(headers_of_the_site(headers)))
        bare = stack.enter_context(servers.gunicorn("bench._pagecache_bare", ready="/", BENCH_PAGE=str(kept)))
        edge = Edge(folder / "edge", gunicorn=ours)
        edge.start()
        stack.callback(edge.stop)
        servers.put_page(edge.static, body)
        rivals = {
            "ours": (ours, PAGE),
            "Django's middleware": (stock, PAGE),
            "bare WSGI": (bare, PAGE),
            "nginx: our page": (edge.port, PAGE),
            "nginx: a file": (edge.port, "/static/page.html"),
        }
        check_bytes(rivals, len(body))
        figures = {name: Figure() for name in rivals}
        for turn in range(-1, rounds):  # the first fills caches
            for name in list(rivals)[:: 1 if turn % 2 else -1]:
                took = 1000 / servers.rate(*rivals[name], seconds=seconds)
                if turn >= 0:
                    figures[name].rounds.append(took)
        return figures


def headers_of_the_site(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without those that gunicorn adds itself."""
    return [(name, value) for name, value in headers if name.lower() not in ("server", "date", "connection")]


def check_bytes(rivals: dict[str, tuple[int, str]], expected: int) -> None:
    """Raises SystemExit where one of them sends another page; Django's GZip adds up to 100 bytes."""
    for name, (port, path) in rivals.items():
        length = len(servers.fetched(port, path)[1])
        if abs(length - expected) > 0.03 * expected:
            raise SystemExit(f"{name} sends {length} bytes where others send {expected}")


def crawl(folder: Path, memcached: str, *, seconds: float) -> dict[str, Any]:
    """Answers, and those of them that were kept."""
    from django.core.management import call_command

    paths = folder / "paths"
    paths.write_text("\n".join(addresses()))
    # As on a site that has been running: what is asked for at all is kept.
    call_command("warmpages", *paths.read_text().split())
    with servers.gunicorn("kwippy.wsgi", ready="/livez", workers=2) as port:
        writer = subprocess.Popen(
            [sys.executable, "-m", "bench._pagecache_writer"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout  # noqa: S101
        writer.stdout.readline()
        script = str(Path(__file__).with_name("_pagecache_crawl.lua"))
        told = servers.wrk(port, "/", seconds=seconds, script=(script, str(paths), "2008"))
        writer.send_signal(signal.SIGTERM)
        writes = writer.stdout.read().split()[-1]
        writer.wait()
    found = re.search(r"crawl (\d+) (\d+) (\d+)", told)
    if found is None or int(found[3]):
        raise SystemExit(told)
    answers, hits, _ = map(int, found.groups())
    return {"answers": answers, "hits": hits, "writes": int(writes), "seconds": seconds, "urls": URLS}


def addresses() -> list[str]:
    """Public pages, the most wanted first: timelines, then the newest kwips and the busiest people."""
    from apps.accounts.models import User
    from apps.kwips.models import Kwip

    first = ["/", "/everyone/", "/everyone/?sort=active", "/about/"]
    half = (URLS - len(first)) // 2
    people = User.objects.order_by("-kwips_count", "pk").values_list("username", flat=True)[:half]
    kwips = Kwip.objects.filter(thread=None, audience=None).select_related("author").order_by("-pk")[:half]
    for person, kwip in zip(people, kwips, strict=True):
        first += [f"/{kwip.author.username}/kwip/{kwip.pk}/", f"/{person}/"]
    return first
