"""Pictures: how long a request takes that uploads the worst picture which is allowed, and its memory.

One worker of gunicorn as in production, on a core of its own with the decoder that it starts; the client is
on the other. Each kind of picture is of the largest size that `apps.pictures.decoder` takes, or as near to it
as 8 MB allow. A member uploads each, one at a time, as the page's script does; then the form without a script
uploads several in one request. A picture that needs longer than the decoder may take is refused, and counted.

The figures are milliseconds of the slowest kind's median, and megabytes: the worker's peak, and the
decoder's.

Read in this order: this file, `worst.py`, `uploading.py`.
"""

import os
import statistics
import tempfile
from contextlib import ExitStack

from bench.lib import processes
from bench.lib.database import empty, postgres
from bench.lib.report import Result
from bench.lib.servers import memcached_server, production
from bench.pictures import worst
from bench.pictures.uploading import Taken, Uploads, fill

PROGRAMS = ("memcached",)
MODULES = ("pillow_heif",)
ROUNDS = {"small": 5, "full": 15}


def run(*, size: str) -> Result:
    kinds = {name: make() for name, make in worst.KINDS.items()}
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        cache = stack.enter_context(memcached_server())
        media = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(empty(server, "pictures"))
        processes.pin(server.pid, processes.other_cores())
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "MEMCACHED_SERVERS": cache.address,
            "MEDIA_ROOT": media,
        }
        people = fill()
        site = stack.enter_context(production())
        uploads = Uploads(site, people)
        uploads.take([kinds["jpeg, 48 million"]])  # the first request loads what others find loaded
        taken: dict[str, list[Taken]] = {name: [] for name in kinds}
        together: list[Taken] = []
        for _ in range(ROUNDS[size]):
            for name, content in kinds.items():
                taken[name].append(uploads.take([content]))
            together.append(uploads.take(worst.together(kinds), by_script=False))
    return _result(kinds, taken, together)


def _result(kinds: dict[str, bytes], taken: dict[str, list[Taken]], together: list[Taken]) -> Result:
    slowest = max(taken, key=lambda name: _median(taken[name]))
    every = [*(one for several in taken.values() for one in several), *together]
    figures: dict[str, float | int] = {
        "slowest_request_milliseconds": round(_median(taken[slowest])),
        "slowest_request_of_all_milliseconds": round(max(one.milliseconds for one in every)),
        "several_in_a_form_milliseconds": round(_median(together)),
        "refused": sum(one.refused for one in every),
        "worker_peak_mb": round(max(one.worker_mb for one in every)),
        "decoder_peak_mb": round(max(one.decoder_mb for one in every)),
    }
    table = [f"{'':<34}{'MB':>6}{'ms':>8}{'slowest':>9}{'refused':>9}{'worker MB':>11}{'decoder MB':>12}"]
    for name, several in [*taken.items(), ("several in a form", together)]:
        size = len(kinds[name]) if name in kinds else sum(map(len, worst.together(kinds)))
        table.append(
            f"{name:<34}{size / 1e6:>6.1f}{_median(several):>8.0f}"
            f"{max(one.milliseconds for one in several):>9.0f}{sum(one.refused for one in several):>9}"
            f"{max(one.worker_mb for one in several):>11.0f}{max(one.decoder_mb for one in several):>12.0f}"
        )
    details = {
        "slowest": slowest,
        "requests": {name: [one._asdict() for one in several] for name, several in taken.items()},
        "several_in_a_form": [one._asdict() for one in together],
    }
    return Result(figures, details, table)


def _median(several: list[Taken]) -> float:
    return statistics.median(one.milliseconds for one in several)
