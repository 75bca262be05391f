"""Runs the checks; its exit status is 0, 1 (something was found) or 3 (something could not be checked)."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deploy.audit import advisories
from deploy.audit.report import Outcome, Result, worst
from deploy.local.edge import DeployedEdge

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-audit"
REQUIREMENTS = ROOT / "requirements-audit.txt"
RULES = Path(__file__).parent / "rules.yml"
# What runs on a site. Tests and benches are no part of it, and break rules on purpose.
CODE = ("apps", "kwippy", "deploy", "manage.py")
WITHOUT = ("tests", "migrations", "samples", "rehearse", "local", "audit", "demo", "xray")


MARKS = {Outcome.FINE: "fine", Outcome.FOUND: "FOUND", Outcome.NOT_CHECKED: "NOT CHECKED"}


def main() -> int:
    program = environment()
    results = []
    for name, check in CHECKS.items():
        started = time.monotonic()
        result = check(program)
        results.append(result)
        print(
            f"{name:<10} {MARKS[result.outcome]} in {time.monotonic() - started:.0f} s: {result.text}",
            flush=True,
        )
    return int(worst(results))


def environment() -> Callable[[str], Path]:
    """Makes `.venv-audit` as the lock has it; returns where its programs are."""
    stamp = ENVIRONMENT / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", str(ENVIRONMENT)], check=True)
        python = str(ENVIRONMENT / "bin" / "python")
        install = ["pip", "install", "--python", python, "--require-hashes", "-r", str(REQUIREMENTS)]
        subprocess.run([*uv, *install], check=True)
        stamp.write_text(wanted)
    return lambda name: ENVIRONMENT / "bin" / name


def bandit(program: Callable[[str], Path]) -> Result:
    """Of at least medium severity and confidence. Of lesser ones ruff has the same rules (S)."""
    excluded = ",".join(f"*/{name}/*" for name in WITHOUT)
    return _run(program("bandit"), "-q", "-ll", "-ii", "-r", *CODE, "-x", excluded, "-f", "txt")


def semgrep(program: Callable[[str], Path]) -> Result:
    """The rules of this project alone; nothing is fetched, and nothing is told to anyone."""
    excluded = [word for name in WITHOUT for word in ("--exclude", name)]
    offline = ("scan", "--metrics=off", "--disable-version-check", "--error", "--quiet", "--strict")
    return _run(program("semgrep"), *offline, "--config", str(RULES), *excluded, *CODE, "templates")


def gixy(program: Callable[[str], Path]) -> Result:
    """nginx's configuration with all that it includes, as the tests place it."""
    with tempfile.TemporaryDirectory() as folder:
        edge = DeployedEdge(Path(folder), gunicorn=1)
        edge.configure()
        skipped = ",".join(LEFT_OUT)
        return _run(program("gixy"), "--skips", skipped, "-f", "console", str(Path(folder) / "nginx.conf"))


def pip_audit(program: Callable[[str], Path]) -> Result:
    return advisories.check(program("pip-audit"), [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"])


# Checks of gixy that do not fit, each with its reason.
LEFT_OUT: dict[str, str] = {}
CHECKS: dict[str, Callable[[Callable[[str], Path]], Result]] = {
    "bandit": bandit,
    "semgrep": semgrep,
    "gixy": gixy,
    "pip-audit": pip_audit,
}


def _run(program: Path, *arguments: str) -> Result:
    # semgrep keeps its settings in the home folder otherwise.
    variables = os.environ | {
        "SEMGREP_SETTINGS_FILE": str(ENVIRONMENT / "semgrep.yml"),
        "PATH": _path(program),
    }
    done = subprocess.run(
        [str(program), *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return Result(Outcome.FINE, "nothing found")
    return Result(Outcome.FOUND, (done.stdout + done.stderr).strip())


def _path(program: Path) -> str:
    return f"{program.parent}:{os.environ.get('PATH', '')}"


if __name__ == "__main__":
    sys.exit(main())
