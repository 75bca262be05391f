"""Instructions: what five requests cost in instructions of the processor, counted by valgrind.

A count does not depend on the machine's load, so that a test may fail on it: at most 10 % above the published
counts, for the Python that these are of. It does not see the kernel, PostgreSQL and memcached.

One process with one thread calls the WSGI application (`requests.py`). Callgrind counts what it executes
between two calls of `getppid`, so that imports and the first requests are not counted. Hashes of strings are
not randomized.

Read in this order: this file, `driver.py`, `requests.py`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.lib.database import ROOT, empty, postgres
from bench.lib.report import Result, program_version
from bench.lib.servers import memcached

PROGRAMS = ("memcached", "valgrind")
MODULES = ()
COUNTED = 10  # how often each request is made while it is counted
NAMES = ("page_cache_hit", "network_page", "deep_network_page", "publish", "contact")
VARIABLES = {
    "PYTHONHASHSEED": "0",
    "DJANGO_SETTINGS_MODULE": "kwippy.settings",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "json",
    "PAGECACHE": "true",
    "WITHOUT": "",
    "XRAY": "off",
    "STATIC_MANIFEST": "0",
    "CONTACT_EMAIL": "contact@kwippy.example",
    "RELEASE": "bench",
}


def run(*, size: str) -> Result:
    """Counts the instructions of each request on a small community."""
    with memcached() as address, postgres() as server, empty(server, "instructions"):
        os.environ["MEMCACHED_SERVERS"] = address
        counts = instructions()
    figures = {f"{name}_instructions": count for name, count in counts.items()}
    table = [f"{name:<24}{count:>14,} instructions" for name, count in counts.items()]
    details = {"requests": COUNTED}
    return Result(figures, details, table, {"valgrind": program_version(["valgrind", "--version"])})


def instructions() -> dict[str, int]:
    """Instructions a request, by name. The environment names an empty database and a memcached."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | VARIABLES | {"PROMETHEUS_MULTIPROC_DIR": folder}
        driver = [sys.executable, "-m", "bench.instructions.driver"]
        subprocess.run([*driver, "fill"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        written = Path(folder) / "callgrind.out"
        callgrind = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"]
        callgrind += ["--dump-before=getppid", "--combine-dumps=yes", f"--callgrind-out-file={written}"]
        done = subprocess.run(
            [*callgrind, *driver, "serve"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"bench: the driver failed\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return by_name(written.read_text())


def by_name(dumps: str) -> dict[str, int]:
    """The counts of the dumps, in which each request's is between two of what comes before and after it."""
    totals = [int(total) for total in re.findall(r"^totals: (\d+)", dumps, re.MULTILINE)]
    return {name: total // COUNTED for name, total in zip(NAMES, totals[1:-1:2], strict=True)}
