"""Results: one JSON file a subject, with the figures, their spread, every round, and the machine."""

import datetime
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.lib.measure import Ratio
from bench.lib.python_build import python_build
from deploy.local import postgres
from deploy.local.bootstrap import find_program

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
PUBLISHED = ROOT / "docs" / "results"
PACKAGES = ("django", "psycopg2-binary", "DBUtils", "pymemcache", "gunicorn")

# The load average of a minute above which nothing is measured to be published.
BUSY = 1.5

type Figures = Mapping[str, Ratio | float | int]


@dataclass
class Result:
    """What a subject has measured.

    The documentation may quote ``figures``. A name says what its number means: `a_times_as_fast_as_b` above 1
    means that a is faster, `a_times_as_long_as_b` above 1 that a is slower.
    """

    figures: Figures
    details: Mapping[str, object]
    table: list[str]
    # Versions of programs other than those of this machine's PATH and the virtual environment.
    versions: Mapping[str, str] = field(default_factory=dict)
    # The Python that was measured: this one, unless the servers ran another.
    python: Mapping[str, object] = field(default_factory=python_build)


def check_may_publish() -> None:
    """Raises SystemExit for changes that are not committed, and on a machine that does something else.

    It is asked before anything is measured: a measurement is a load itself.
    """
    if commit().endswith("-dirty"):
        raise SystemExit(
            "bench: commit your changes first: a published result names the commit that it is of"
        )
    if (load := os.getloadavg()[0]) > BUSY:
        raise SystemExit(
            f"bench: this machine is busy (load average {load:.1f}): measure again when it is quiet"
        )


def write(subject: str, result: Result, *, size: str, publish: bool) -> Path:
    """Writes the result to bench/results/, or to docs/results/ to publish it; returns its path."""
    folder = PUBLISHED if publish else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{subject}.json"
    content = {
        "subject": subject,
        "size": size,
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "python": result.python,
        "versions": versions() | dict(result.versions),
        "figures": {name: as_json(figure) for name, figure in result.figures.items()},
        **result.details,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def as_json(figure: Ratio | float | int) -> Mapping[str, float | int]:
    """A ratio with its spread; a count or a time has its value alone."""
    return figure.as_json() if isinstance(figure, Ratio) else {"value": figure}


def lines(figures: Figures) -> list[str]:
    """The figures as lines of text, each ratio with the lowest and the highest round."""
    width = max(map(len, figures))
    return [f"{name:<{width}}  {_shown(figure)}" for name, figure in figures.items()]


def _shown(figure: Ratio | float | int) -> str:
    if isinstance(figure, Ratio):
        return f"{figure.value:.3g} ({min(figure.rounds):.3g} to {max(figure.rounds):.3g})"
    return str(figure)


def machine() -> dict[str, object]:
    """The machine that the figures were measured on."""
    models = re.findall(r"^model name\s*: (.*)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", _text("/proc/meminfo"), re.MULTILINE)
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_mb": int(memory[1]) // 1024 if memory else None,
        "system": platform.platform(),
        "load_average": os.getloadavg(),
    }


def versions() -> dict[str, str]:
    """Python, the servers and the packages."""
    programs = {
        "postgresql": [str(postgres.programs() / "postgres"), "-V"],
        "memcached": [str(find_program("memcached")), "-V"],
        "nginx": [str(find_program("nginx")), "-v"],
    }
    found = {"python": platform.python_version()}
    found |= {name: program_version(words) for name, words in programs.items()}
    return found | {name.lower(): version(name) for name in PACKAGES}


def program_version(words: list[str]) -> str:
    """The first version number that a program prints; "not installed" without the program."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    number = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return number[0] if number else "unknown"


def commit() -> str:
    """The commit that was measured, with "-dirty" where files other than published results have changed."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", ":!docs/results")
    return f"{head}-dirty" if changed else head


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _text(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""
