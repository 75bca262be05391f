"""The look-aside cache: one call to memcached as a request makes it, here and in Django.

Django's is `PyMemcacheCache` as its documentation sets it up: a pickle, and the connection closed when the
request ends. Ours reads under a lease, verifies the signature, and keeps its connection. Both run in one
process, in turns, over TCP (where Django's documentation has memcached) and over a Unix socket, where
connecting is cheaper. A bare round trip, a few bytes there and back, is the floor for both. Then a member's
whole network page, over HTTP, beside the same site without the cache.
"""

import json
import subprocess
import sys

from bench.lib.database import ROOT
from bench.lib.measure import Ratio, Timing, times_as_fast
from bench.lib.report import Figures, Result
from bench.lib.servers import memcached, memcached_on_tcp

PROGRAMS = ("memcached",)
MODULES = ()
ROUNDS = {"small": 15, "full": 61}


def run(*, size: str) -> Result:
    """Measures the calls in this process, and the network page in one with other settings of Django."""
    from bench.lookaside.calls import calls

    with memcached_on_tcp() as address:
        tcp = calls(address, rounds=ROUNDS[size])
    with memcached() as address:
        unix = calls(address, rounds=ROUNDS[size])
    page, page_rates = network_page()
    figures: Figures = {
        "cached_user_times_as_fast_as_django": beside_django(tcp, "user"),
        "cached_user_times_as_fast_as_django_on_a_unix_socket": beside_django(unix, "user"),
        "cached_cards_times_as_fast_as_django": beside_django(tcp, "20 cards"),
        "bare_round_trip_times_as_fast_as_django": times_as_fast(
            tcp["a bare round trip"], tcp["Django: user"]
        ),
        **page,
    }
    timings = {
        f"{name}, {transport}": timing
        for transport, found in (("TCP", tcp), ("Unix socket", unix))
        for name, timing in found.items()
    }
    details = {
        "milliseconds_a_call": {name: timing.as_json() for name, timing in timings.items()},
        "network_page_requests_a_second": page_rates,
    }
    table = [f"{name:30} {timing.median * 1000:8.1f} µs" for name, timing in timings.items()]
    table += [f"{'network page, ' + name:30} {rate:8.1f} a second" for name, rate in page_rates.items()]
    return Result(figures, details, table)


def beside_django(timings: dict[str, Timing], what: str) -> Ratio:
    return times_as_fast(timings[f"ours: {what}"], timings[f"Django: {what}"])


def network_page() -> tuple[Figures, dict[str, float]]:
    """The network page beside the uncached one: its figures, and the requests a second of both."""
    words = [sys.executable, "-m", "bench.lookaside.network_page"]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit("bench: the network page could not be measured; see above")
    found = json.loads(done.stdout.splitlines()[-1])
    figures = {
        "network_page_times_as_fast_as_uncached": Ratio(tuple(found["ratios"])),
        "network_page_queries": found["queries"],
        "network_page_round_trips": found["round trips"],
    }
    return figures, found["requests_a_second"]
