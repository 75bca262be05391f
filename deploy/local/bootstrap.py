"""Make `.venv` and install what is missing: `bootstrap.py REQUIREMENTS [PROGRAM …]`.

Standard library only, and the syntax of Python 3.7: an old Python must be able to report that it is too old.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C ends this without a traceback, also during the imports below.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 12)
ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
# Each file includes those before it.
REQUIREMENTS = ["requirements.txt", "requirements-local.txt", "requirements-dev.txt"]
WITHOUT = {
    "memcached": "an in-process cache stands in, and tests of memcached are left out",
    "chromium": "tests in a browser are left out",
    "chromium-headless-shell": "tests in a browser take twice as long",
    "nginx": "tests of the edge are left out",
    "valgrind": "the test of instruction counts is left out",
    "prometheus": "tests that cause the alerts are left out",
    "wrk": "`make bench` needs it, and the test of its requests is left out",
}
# Debian's packages run this before they start their service. We install programs and start no services.
POLICY = Path("/usr/sbin/policy-rc.d")


class MissingError(Exception):
    """Something that can't be installed; the message is one line for the terminal."""


def main(arguments: "list[str]") -> int:
    """Prepare the checkout; return the exit code."""
    try:
        check_python()
        with (ROOT / "Makefile").open() as checkout:
            # One process at a time: `make lint` and `make test` may run side by side.
            fcntl.flock(checkout, fcntl.LOCK_EX)
            make_environment()
            install_requirements(arguments[0])
            for program in arguments[1:]:
                provide_program(program)
    except MissingError as error:
        sys.stderr.write(f"kwippy: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"kwippy: {error}\n")
        return 1
    return 0


def check_python() -> None:
    """Raise MissingError if this Python is too old for kwippy."""
    if sys.version_info < OLDEST:
        raise MissingError(
            f"Python 3.12 or newer is needed, and {sys.executable} is {sys.version.split()[0]};"
            " name a newer one with PYTHON=/path/to/python3 after `make run`"
        )


def make_environment() -> None:
    """Create the virtual environment, or replace it if its Python is missing or too old."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    if VENV_PYTHON.exists() and succeeds([str(VENV_PYTHON), "-c", probe]):
        return
    if not succeeds([sys.executable, "-c", "import ensurepip, venv"]):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not apt_install(package):
            raise MissingError(f"this Python can't make virtual environments: install {package}")
    sys.stdout.write("Making .venv ...\n")
    sys.stdout.flush()
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        raise MissingError("the virtual environment could not be made; see above")


def install_requirements(name: str) -> None:
    """Install a requirement file, unless exactly that was installed before."""
    wanted = {}
    for included in REQUIREMENTS[: REQUIREMENTS.index(name) + 1]:
        wanted[included] = hashlib.sha256((ROOT / included).read_bytes()).hexdigest()
    try:
        installed = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        installed = {}
    if all(installed.get(included) == digest for included, digest in wanted.items()):
        return
    sys.stdout.write(f"Installing {name} ...\n")
    sys.stdout.flush()
    if STAMP.exists():
        STAMP.unlink()
    pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    pip += ["--require-hashes", "--no-deps", "-r", str(ROOT / name)]
    # pip warns root about installing outside a virtual environment; this is one.
    if subprocess.call(pip, env=dict(os.environ, PIP_ROOT_USER_ACTION="ignore")) != 0:
        raise MissingError("the packages could not be installed; see above")
    unfinished = STAMP.with_name(STAMP.name + ".unfinished")
    unfinished.write_text(json.dumps(wanted))
    unfinished.rename(STAMP)


def provide_program(name: str) -> None:
    """Install a system program as root on Debian; else print one line about what is missing without it."""
    if find_program(name) or (apt_install(name) and find_program(name)):
        return
    if os.environ.get("CI") == "true":
        raise MissingError(f"{name} is not installed, and CI=true allows no omissions")
    sys.stdout.write(f"{name} is not installed: {WITHOUT[name]}.\n")


def find_program(name: str) -> object:
    """The path of a program, also in the directories of root's PATH; None if it is not installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def apt_install(package: str) -> bool:
    """Whether a Debian package could be installed; False where we are not root or there is no apt-get."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    sys.stdout.write(f"Installing {package} with apt-get ...\n")
    sys.stdout.flush()
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    update = ["apt-get", "update", "-qq"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with no_service_started():
        # A fresh container has no package lists; an old machine has those of old programs.
        succeeds(update, **quiet)
        return succeeds(install, **quiet)


@contextlib.contextmanager
def no_service_started() -> "Iterator[None]":
    """Inside, an installed package starts no service; an existing policy of the machine is left alone."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def succeeds(command: "list[str]", **variables: str) -> bool:
    """Whether a command runs and exits with 0; its output is dropped."""
    try:
        return (
            subprocess.call(
                command,
                env=dict(os.environ, **variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            == 0
        )
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
