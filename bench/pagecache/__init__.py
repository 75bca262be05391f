"""The page cache: anonymous pages beside Django's own page cache, a bare WSGI callable, and a file.

Everything serves one page, compressed, to the same clients of wrk, in turns: gunicorn with our page cache
(each hit reads its generations; with PAGECACHE_GENERATIONS_TTL_MS it reuses those of the last 5 ms), with
Django's two middlewares, and with a callable that only returns the same bytes; nginx with its microcache
before our page cache, and with the same bytes as a file. gunicorn is as it is deployed (INFO, JSON, metrics
in files), one worker on a core of its own, with wrk on the other. Then anonymous visitors read 5,000 pages,
some much more than others (Zipf), while a writer publishes once a second; the answers say themselves how
many of them were hits.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.lib import http, processes
from bench.lib.community import KWIPS, community
from bench.lib.database import ROOT, postgres
from bench.lib.measure import Ratio, Timing, rotated, times_as_fast
from bench.lib.report import Result
from bench.lib.servers import gunicorn, memcached_server, static_files
from bench.pagecache.rivals import PAGE, rivals

PROGRAMS = ("memcached", "nginx", "wrk")
MODULES = ()
URLS = 5_000
# Rounds, seconds of each rival's turn, seconds of the crawl.
SIZES = {"small": (7, 2, 60), "full": (25, 4, 240)}


def run(*, size: str) -> Result:
    """Measures a hit, the rivals' rates, and the crawl, on a copy of the small community."""
    rounds, seconds, crawl_seconds = SIZES[size]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(memcached_server(megabytes=512))
        server = stack.enter_context(postgres())
        for pid in (cache.pid, server.pid):
            processes.pin(pid, processes.other_cores())
        os.environ |= {"MEMCACHED_SERVERS": cache.address, "RELEASE": "bench"}
        # All servers render the same links to static files, for the pages that they store are shared.
        os.environ |= static_files(ROOT, sys.executable)
        stack.enter_context(community(server, "pagecache", kwips=KWIPS["small"]))
        hit = cost_of_a_hit()
        timings = rates(folder, rounds=rounds, seconds=seconds)
        crawled = crawl(folder, seconds=crawl_seconds)
    beside_django = times_as_fast(timings["ours"], timings["Django's middleware"])
    figures: dict[str, Ratio | float | int] = {
        "nginx_page_times_as_fast_as_file": times_as_fast(
            timings["nginx: our page"], timings["nginx: a file"]
        ),
        # The first is the name by which README links the second.
        "page_times_as_fast_as_django_middleware": beside_django,
        "hit_vs_django_middleware": beside_django,
        "hit_vs_bare_wsgi": times_as_fast(timings["ours"], timings["bare WSGI"]),
        "crawl_hit_ratio": round(crawled["hits"] / crawled["answers"], 4),
        **hit,
    }
    if reusing := timings.get("ours, reusing generations"):
        figures["reusing_hit_vs_django_middleware"] = times_as_fast(reusing, timings["Django's middleware"])
        figures["reusing_hit_vs_bare_wsgi"] = times_as_fast(reusing, timings["bare WSGI"])
    details = {
        "requests_a_second": {
            name: [round(1000 / took) for took in timing.rounds] for name, timing in timings.items()
        },
        "crawl": crawled,
    }
    table = [f"{name:32} {1000 / timing.median:10,.0f} requests a second" for name, timing in timings.items()]
    return Result(figures, details, table)


def cost_of_a_hit() -> dict[str, int]:
    """SQL statements and round trips to memcached of a hit, in this process."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection
    from django.test import RequestFactory

    from apps import lookaside
    from apps.pagecache import wrapped
    from apps.pagecache.wsgi import response_of
    from kwippy.observability.server_timing import Queries

    environ = RequestFactory().get(PAGE, headers={"host": "localhost"}).environ
    trips = []
    queries = Queries()
    # The first application stores the page. The second reads it from memcached, then from its own process.
    for application in [wrapped(WSGIHandler()), wrapped(WSGIHandler())]:
        for _ in range(2):
            with connection.execute_wrapper(queries), lookaside.stats.collected() as cache:
                queries.count = 0
                answer = response_of(application, environ)
            trips.append(cache.round_trips)
    if dict(answer.headers)["Cache-Status"] != "pagecache; hit":
        raise SystemExit("bench: the page is not cached")
    return {
        "hit_queries": queries.count,
        "hit_round_trips": trips[-1],
        "hit_round_trips_new_to_the_process": trips[-2],
    }


def rates(folder: Path, *, rounds: int, seconds: float) -> dict[str, Timing]:
    """Milliseconds a request of each rival, in turns."""
    with rivals(folder) as places:
        timings = {name: Timing() for name in places}
        for number in range(-1, rounds):  # the first fills caches
            for name in rotated(list(places), number):
                took = http.wrk_page(*places[name], seconds=seconds).milliseconds
                if number >= 0:
                    timings[name].rounds.append(took)
        return timings


def crawl(folder: Path, *, seconds: float) -> dict[str, Any]:
    """The answers of the crawl, and how many of them were hits."""
    from django.core.management import call_command

    paths = folder / "paths"
    paths.write_text("\n".join(addresses()))
    # As on a site that has been running: every page that is requested at all is stored.
    call_command("warmpages", *paths.read_text().split())
    with gunicorn("kwippy.wsgi", ready="/livez", workers=2) as site:
        writer = subprocess.Popen(
            [sys.executable, "-m", "bench.pagecache.writer"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout  # noqa: S101
        writer.stdout.readline()
        script = str(Path(__file__).with_name("crawl.lua"))
        printed = http.wrk(site.port, "/", seconds=seconds, script=(script, str(paths), "2008"))
        writer.send_signal(signal.SIGTERM)
        writes = writer.stdout.read().split()[-1]
        writer.wait()
    found = re.search(r"crawl (\d+) (\d+) (\d+)", printed)
    if found is None or int(found[3]):
        raise SystemExit(f"bench: requests of the crawl failed\n{printed}")
    answers, hits, _ = map(int, found.groups())
    return {"answers": answers, "hits": hits, "writes": int(writes), "seconds": seconds, "urls": URLS}


def addresses() -> list[str]:
    """Public pages, the most requested first: timelines, then the newest kwips and the busiest people."""
    from apps.accounts.models import User
    from apps.kwips.models import Kwip

    first = ["/", "/everyone/", "/everyone/?sort=active", "/about/"]
    half = (URLS - len(first)) // 2
    people = User.objects.order_by("-kwips_count", "pk").values_list("username", flat=True)[:half]
    kwips = Kwip.objects.filter(thread=None, audience=None).select_related("author").order_by("-pk")[:half]
    for person, kwip in zip(people, kwips, strict=True):
        first += [f"/{kwip.author.username}/kwip/{kwip.pk}/", f"/{person}/"]
    return first
