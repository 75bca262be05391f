"""Known faults of the pinned requirements, asked from an advisory source: an OSV server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from deploy.audit.report import Outcome, Result

SOURCE = "https://api.osv.dev/v1/query"
# Of all questions together. One for each requirement.
SECONDS = 300


def check(pip_audit: Path, requirements: list[Path], *, source: str = "", seconds: float = SECONDS) -> Result:
    """Asks about each requirement. ADVISORY_SOURCE names another server with OSV's interface."""
    source = source or os.environ.get("ADVISORY_SOURCE", SOURCE)
    command = [str(pip_audit), "--format", "json", "--desc", "off", "--progress-spinner", "off"]
    command += ["--vulnerability-service", "osv", "--osv-url", source, "--timeout", "10"]
    command += ["--disable-pip", "--no-deps"]
    for path in requirements:
        command += ["--requirement", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return _not_checked(source, f"no answer within {seconds:.0f} s")
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _not_checked(source, (done.stderr.strip().splitlines() or ["no answer"])[-1][:200])
    return _judge(dependencies, source)


def _judge(dependencies: list[dict[str, Any]], source: str) -> Result:
    known = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in {_mended(fault)}"
        for one in dependencies
        for fault in one.get("vulns", [])
    ]
    if known:
        return Result(Outcome.FOUND, "\n".join(known))
    left_out = [one["name"] for one in dependencies if "skip_reason" in one]
    if left_out or not dependencies:
        return _not_checked(source, f"it knows nothing of {', '.join(left_out) or 'any requirement'}")
    return Result(Outcome.FINE, f"{len(dependencies)} requirements, no known fault")


def _mended(fault: dict[str, Any]) -> str:
    return ", ".join(fault["fix_versions"]) or "no release"


def _not_checked(source: str, reason: str) -> Result:
    return Result(Outcome.NOT_CHECKED, f"not checked: no advisory source answered ({source}: {reason})")
