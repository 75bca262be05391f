"""Runs the checks; its exit status is 0, 1 (something was found) or 3 (something could not be checked)."""

import datetime
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deploy.audit import advisories, renewal
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
    results = [_told("renewal", lambda: renewal.check(renewal.RECORD, today=_today()))]
    try:
        program = environment()
    except subprocess.CalledProcessError as error:
        # A file that is not the locked one is no fault of the network.
        outcome = Outcome.FOUND if "Hash mismatch" in error.stderr else Outcome.NOT_CHECKED
        text = f"the audit's programs were not installed: {error.stderr.strip()}"
        print(f"{MARKS[outcome]}: {text}", flush=True)
        return int(worst([*results, Result(outcome, text)]))
    results += [_told(name, partial(check, program)) for name, check in CHECKS.items()]
    return int(worst(results))


def _told(name: str, check: Callable[[], Result]) -> Result:
    started = time.monotonic()
    result = check()
    seconds = time.monotonic() - started
    print(f"{name:<10} {MARKS[result.outcome]} in {seconds:.0f} s: {result.text}", flush=True)
    return result


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def environment() -> Callable[[str], Path]:
    """Makes `.venv-audit` as the lock has it; returns where its programs are.

    Raises CalledProcessError if they cannot be installed, as without a package index.
    """
    stamp = ENVIRONMENT / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with REQUIREMENTS.open() as lock:
        # One process at a time: each worker of the tests comes here.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _uv("venv", "--clear", "--python", sys.executable, str(ENVIRONMENT))
            python = str(ENVIRONMENT / "bin" / "python")
            _uv("pip", "install", "--python", python, "--require-hashes", "-r", str(REQUIREMENTS))
            stamp.write_text(wanted)
    return lambda name: ENVIRONMENT / "bin" / name


def _uv(*words: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", *words]
    subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)


def bandit(program: Callable[[str], Path]) -> Result:
    """Of at least medium severity and confidence. Of lesser ones ruff has the same rules (S)."""
    excluded = ",".join(f"*/{name}/*" for name in WITHOUT)
    return _run(
        program("bandit"),
        "-q",
        "-ll",
        "-ii",
        "-r",
        *CODE,
        "-x",
        excluded,
        "-s",
        ",".join(OF_RUFF),
        "-f",
        "txt",
    )


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
LEFT_OUT = {
    "http_splitting": "$uri goes into an internal rewrite, and into no header",
    "hash_without_default": "only the log reads that map, and its patterns match every address",
    "add_header_redefinition": "the site sends these headers itself: tests/edge/test_observatory.py",
    "weak_ssl_tls": "the nameless server refuses handshakes; the site's has ssl_protocols, OpenSSL's ciphers",
    "status_page_exposed": "it listens on 127.0.0.1 of its container",
    "proxy_pass_normalized": "on purpose: the path that is passed on is the one in the cache's key",
}
# Rules that ruff has, too, as S and a number: each exception there has its reason beside it.
OF_RUFF = ("B108", "B308", "B310", "B608", "B610", "B611", "B703")
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
