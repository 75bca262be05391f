"""`make profile PAGE=/everyone/`: prints the instructions of each part; flame graphs are in var/profile/."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.instructions import PROGRAMS, VARIABLES
from bench.lib.database import ROOT, empty, postgres
from bench.lib.servers import memcached
from bench.profile import flame
from bench.profile.driver import VISITORS
from bench.profile.parts import counted
from deploy.local.bootstrap import find_program
from deploy.local.services import ServiceError

HOME = ROOT / "var" / "profile"
CALLGRIND = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--combine-dumps=yes"]
CALLGRIND += ["--dump-before=getppid", "--dump-line=no"]


def main(page: str) -> None:
    for program in PROGRAMS:
        if not find_program(program):
            raise SystemExit(f"profile: {program} is not installed; `make profile` installs it and runs this")
    # A time limit ends a run with SIGTERM: the servers that it started are then stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("profile: stopped"))
    try:
        with memcached() as address, postgres() as server, empty(server, "profile"):
            os.environ["MEMCACHED_SERVERS"] = address
            instructions, stacks = observed(page)
    except ServiceError as error:
        raise SystemExit(f"profile: {error}") from None
    print("\n".join(table(page, instructions)))
    HOME.mkdir(parents=True, exist_ok=True)
    for visitor in VISITORS:
        path = HOME / f"{visitor}.svg"
        path.write_text(flame.svg(stacks[visitor], f"{page}, {visitor}: time of the processor"))
        print(path.relative_to(ROOT))


def observed(page: str) -> tuple[Counter[str], dict[str, dict[str, int]]]:
    """The instructions of each part, and the stacks. The environment names database and memcached."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | VARIABLES | {"PROMETHEUS_MULTIPROC_DIR": folder}
        _run(["-m", "bench.instructions.driver", "fill"], environment)
        written = Path(folder) / "callgrind.out"
        callgrind = [*CALLGRIND, f"--callgrind-out-file={written}"]
        labels = json.loads(_run(["-m", "bench.profile.driver", "count", page], environment, callgrind))
        stacks = json.loads(_run(["-m", "bench.profile.driver", "sample", page], environment))
        return counted(written.read_text(), labels), stacks


def table(page: str, instructions: Counter[str]) -> list[str]:
    """A row for each part, the largest first, and their sum."""
    parts = Counter[str]()
    for name, count in instructions.items():
        parts[name.partition(": ")[2]] += count
    lines = [f"{f'instructions of {page}':<30}" + "".join(f"{visitor:>14}" for visitor in VISITORS)]
    for part, _ in parts.most_common():
        counts = [instructions[f"{visitor}: {part}"] for visitor in VISITORS]
        lines.append(f"{part:<30}" + "".join(f"{count:>14,}" for count in counts))
    sums = [
        sum(count for name, count in instructions.items() if name.startswith(f"{visitor}: "))
        for visitor in VISITORS
    ]
    return [*lines, f"{'together':<30}" + "".join(f"{count:>14,}" for count in sums)]


def _run(arguments: list[str], environment: dict[str, str], around: list[str] | None = None) -> str:
    """The last line that Python prints with these arguments. Raises SystemExit if it fails."""
    done = subprocess.run(
        [*(around or []), sys.executable, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit((done.stderr.strip().splitlines() or ["profile: the driver failed"])[-1])
    return (done.stdout.strip().splitlines() or [""])[-1]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].startswith("/"):
        sys.exit("profile: name a page of the site: make profile PAGE=/everyone/")
    main(sys.argv[1])
