"""The site of an earlier commit: its files, its Python environment, its database.

All are made once, in `var/bench`, and are found again by the commit.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.lib.database import HOME, ROOT, Server


@dataclass(frozen=True)
class Checkout:
    """The files of one commit, and the Python that runs them."""

    commit: str
    root: Path
    python: str


NOW = Checkout("now", ROOT, sys.executable)


def checkout(commit: str) -> Checkout:
    """The files of a commit. Raises SystemExit where this repository does not have it."""
    root = HOME / "before" / commit
    if not root.exists():
        done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: this repository has no commit {commit}: fetch it, or name another")
        unfinished = root.with_name(f"{commit}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", unfinished], input=done.stdout, check=True)
        unfinished.rename(root)
    return Checkout(commit, root, python_of(root))


def python_of(root: Path) -> str:
    """This Python, or one with the commit's packages where it has other requirements."""
    names = ("requirements.txt", "requirements-local.txt")
    if all((root / name).read_bytes() == (ROOT / name).read_bytes() for name in names):
        return sys.executable
    subprocess.run(
        [sys.executable, "deploy/local/bootstrap.py", "requirements-local.txt"],
        cwd=root,
        stdout=sys.stderr,
        check=True,
    )
    return str(root / ".venv" / "bin" / "python")


def template(server: Server, before: Checkout, *, kwips: int) -> str:
    """The name of the template with the commit's tables and community, made unless it is there."""
    family = f"before_{kwips}"
    name = f"{family}_{before.commit}"

    def fill(unfinished: str) -> None:
        words = [before.python, "-m", "bench.lib.community", str(kwips)]
        environment = os.environ | {"DATABASE_NAME": unfinished}
        subprocess.run(words, cwd=before.root, env=environment, stdout=sys.stderr, check=True)

    server.template(name, family=family, fill=fill)
    return name
