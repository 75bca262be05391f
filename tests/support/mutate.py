"""`make mutate`: mutation testing. Each change in `mutations.toml` must make one of its tests fail.

It changes two copies of the working tree (with uncommitted changes), each with its own PostgreSQL. Arguments
select the mutations that contain one of them in promise, name or file; `--tour` those of `docs/tour.md`.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from deploy.local.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent.parent
LIST = Path(__file__).with_name("mutations.toml")
RUNNERS = 2
# A mutation that hangs is killed after this; that counts as a failure.
SECONDS = 120
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Mutation:
    """Replaces ``old``, which occurs once in ``file``, by ``new``; one of ``tests`` must fail."""

    promise: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def mutated(self, root: Path = ROOT) -> str:
        """The file's text with the change applied. Raises ValueError unless ``old`` occurs exactly once."""
        text = (root / self.file).read_text()
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} contains the text of {self.name!r} {times} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Result:
    mutation: Mutation
    outcome: str
    seconds: float


def mutations() -> list[Mutation]:
    entries = tomllib.loads(LIST.read_text())["mutation"]
    return [Mutation(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


class Runner:
    """A copy of the code and a database, for one run of tests at a time."""

    def __init__(self, directory: Path) -> None:
        self.code = directory / "code"
        self.postgres = Postgres(directory / "postgres", sockets=directory / "run", durable=False)
        # The plugin treats this process like pytest-xdist's controller.
        self._environment = os.environ | {
            "KWIPPY_TEST_DIRECTORY": str(directory),
            "PYTEST_XDIST_WORKER": "mutate",
            "CI": "true",
        }
        self._warm: subprocess.Popen[str] | None = None
        self._output = directory / "output.log"
        self._is_clean = False
        self._moment = int(time.time())

    def start(self) -> None:
        copy(self.code)
        self.postgres.start()
        self.postgres.create_database("kwippy")
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.fork_server"]
        self._warm = subprocess.Popen(
            command, cwd=self.code, env=self._environment, stdin=PIPE, stdout=PIPE, text=True
        )

    def stop(self) -> None:
        if self._warm is not None:
            self._warm.communicate()
        self.postgres.stop()

    def run(self, tests: Sequence[str], *, seconds: int = SECONDS) -> tuple[int, str]:
        """pytest's exit code and output."""
        assert self._warm is not None
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:warnings", "--timeout", str(seconds)]
        arguments += ["--reuse-db", *([] if self._is_clean else ["--create-db"]), *tests]
        self._warm.stdin.write(json.dumps({"arguments": arguments, "output": str(self._output)}) + "\n")
        self._warm.stdin.flush()
        code = int(self._warm.stdout.readline())
        output = self._output.read_text(errors="replace")
        # A killed process leaves its rows behind, which would fail the next tests.
        self._is_clean = code in (PASSED, FAILED) and "Timeout +" not in output
        return code, output

    def try_out(self, mutation: Mutation) -> Result:
        path = self.code / mutation.file
        before = path.read_text()
        started = time.monotonic()
        self._write(path, mutation.mutated(self.code))
        try:
            code, output = self.run(mutation.tests)
        finally:
            self._write(path, before)
        if code == PASSED:
            outcome = "SURVIVED"
        elif code == FAILED:
            outcome = "killed"
        else:
            outcome = f"BROKEN: pytest ended with {code}: {output.strip().splitlines()[-1:]}"
        return Result(mutation, outcome, time.monotonic() - started)

    def _write(self, path: Path, text: str) -> None:
        """Writes with a new modification time, or Python would use the bytecode of the former text."""
        path.write_text(text)
        self._moment += 2
        os.utime(path, (self._moment, self._moment))


def copy(target: Path) -> None:
    """Copies the working tree without ignored files."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


@contextmanager
def runners() -> Iterator[queue.Queue[Runner]]:
    directory = Path(tempfile.mkdtemp(prefix="kwippy-mutate-"))
    free: queue.Queue[Runner] = queue.Queue()
    started_runners: list[Runner] = []
    try:
        for number in range(RUNNERS):
            started_runners.append(Runner(directory / str(number)))
            started_runners[-1].start()
            free.put(started_runners[-1])
        yield free
    finally:
        for runner in started_runners:
            runner.stop()
        shutil.rmtree(directory, ignore_errors=True)


def chosen(words: Sequence[str]) -> list[Mutation]:
    if "--tour" in words:
        from tests.support import tour  # which reads this module's mutations

        return [mutation for step in tour.steps() if (mutation := step.mutation()) is not None]
    texts = [(mutation, f"{mutation.promise}\n{mutation.name}\n{mutation.file}") for mutation in mutations()]
    return [mutation for mutation, text in texts if not words or any(word in text for word in words)]


def is_green(free: queue.Queue[Runner], pool: ThreadPoolExecutor, wanted: Sequence[Mutation]) -> bool:
    """Whether all these tests pass without a mutation."""
    tests = list(dict.fromkeys(test for mutation in wanted for test in mutation.tests))

    def run(share: list[str]) -> tuple[int, str]:
        runner = free.get()
        try:
            return runner.run(share, seconds=300) if share else (PASSED, "")
        finally:
            free.put(runner)

    outcomes = list(pool.map(run, [tests[place::RUNNERS] for place in range(RUNNERS)]))
    for code, output in outcomes:
        if code != PASSED:
            write(output)
    return all(code == PASSED for code, _ in outcomes)


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    wanted = chosen(words)
    for mutation in wanted:
        mutation.mutated()  # raises before any server starts
    started = time.monotonic()
    with runners() as free, ThreadPoolExecutor(RUNNERS) as pool:
        if not is_green(free, pool, wanted):
            write("The tests fail without a mutation.")
            return 1
        write(f"{len(wanted)} mutations; their tests pass without them ({time.monotonic() - started:.0f} s).")

        def try_out(mutation: Mutation) -> Result:
            runner = free.get()
            try:
                result = runner.try_out(mutation)
            finally:
                free.put(runner)
            about = f"{mutation.promise.partition(':')[0]}: {mutation.name}"
            write(f"{result.outcome:10}{result.seconds:6.1f} s  {about}")
            return result

        results = list(pool.map(try_out, wanted))
    left = [result.mutation for result in results if result.outcome != "killed"]
    for mutation in left:
        write(f"\nNot killed: {mutation.name} ({mutation.promise})\n  {mutation.file}: {mutation.old!r}")
        write("  by " + "\n     ".join(mutation.tests))
    write(f"\n{len(results) - len(left)} of {len(results)} killed in {time.monotonic() - started:.0f} s.")
    return 1 if left or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
