"""The ladder: stock Django, Django's own best, and each of the five optimizations on and off.

All configurations differ by settings alone (`settings.py`, `best_settings.py`). Where an optimization is code
(custom SQL, keyset pagination) its "off" is the page as a good Django developer writes it (`pages.py`,
`orm.py`). All of them run at once, each with its own memcached and one gunicorn worker, as it is deployed.
They share one PostgreSQL and take turns under wrk, round by round. The worker has a core of its own; wrk,
PostgreSQL and memcached share the other. No worker of the queue runs: what it would do later is not in these
figures, but in those of `commandqueue`.

Each turn is a cell: answers a second, latencies, errors, and processor time (`meters.py`). What one request
costs in statements, bytes and round trips is counted before, by processes of its own (`counting.py`). Cells
are written to `var/bench/ladder.jsonl` as they are measured: a run that was interrupted goes on from there.
The full size also reads some pages of a community with a tenth of the kwips.

Read in this order: `settings.py`, `configurations.py`, `pages.py`, `timelines.py`, `scenarios.py`,
`sites.py`, `counting.py`, `run.py`, `figures.py`.
"""

from bench.lib.report import Result

PROGRAMS = ("memcached", "nginx", "wrk")
MODULES = ()


def run(*, size: str) -> Result:
    # Here, since the servers import this package for their settings.
    from bench.ladder.run import run

    return run(size=size)
