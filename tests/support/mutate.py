"""`make mutate`: would the tests notice? Each change of `mutations.toml` must make the tests it names fail.

The working tree is left alone: two copies of it (with what is not committed) each have a PostgreSQL of their
own, and take the mutations one by one. Arguments choose those with one of them in promise, name or file.
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
LANES = 2
# What a mutation makes hang is killed by this, which is a failure as any other.
SECONDS = 120
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Mutation:
    """``old``, which stands once in ``file``, becomes ``new``; one of ``tests`` must fail."""

    promise: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def mutated(self, root: Path = ROOT) -> str:
        """The file's text with the change made. Raises ValueError where ``old`` is not there exactly once."""
        text = (root / self.file).read_text()
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} has {times} times what {self.name!r} would change")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Result:
    mutation: Mutation
    said: str
    seconds: float


def mutations() -> list[Mutation]:
    entries = tomllib.loads(LIST.read_text())["mutation"]
    return [Mutation(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


class Lane:
    """A copy of the code and a database, for one run of tests at a time."""

    def __init__(self, directory: Path) -> None:
        self.code = directory / "code"
        self.postgres = Postgres(directory / "postgres", sockets=directory / "run", durable=False)
        # The process that started PostgreSQL is to the tests what the first of pytest-xdist's is.
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
        # Without those that need a terminal or keep files, of which the copies are rid anyway.
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.fork_server"]
        self._warm = subprocess.Popen(
            command, cwd=self.code, env=self._environment, stdin=PIPE, stdout=PIPE, text=True
        )

    def stop(self) -> None:
        if self._warm is not None:
            self._warm.communicate()
        self.postgres.stop()

    def run(self, tests: Sequence[str], *, seconds: int = SECONDS) -> tuple[int, str]:
        """pytest's exit code and what it wrote."""
        assert self._warm is not None
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:warnings", "--timeout", str(seconds)]
        arguments += ["--reuse-db", *([] if self._is_clean else ["--create-db"]), *tests]
        self._warm.stdin.write(json.dumps({"arguments": arguments, "output": str(self._output)}) + "\n")
        self._warm.stdin.flush()
        code = int(self._warm.stdout.readline())
        output = self._output.read_text(errors="replace")
        # A process that was killed left its rows behind: they would fail whatever comes next.
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
            said = "SURVIVED"
        elif code == FAILED:
            said = "killed"
        else:
            said = f"BROKEN: pytest ended with {code}: {output.strip().splitlines()[-1:]}"
        return Result(mutation, said, time.monotonic() - started)

    def _write(self, path: Path, text: str) -> None:
        """Each time with a time of its own, or Python would take what it compiled of another text."""
        path.write_text(text)
        self._moment += 2
        os.utime(path, (self._moment, self._moment))


def copy(target: Path) -> None:
    """The working tree as git sees it, without what it ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


@contextmanager
def lanes() -> Iterator[queue.Queue[Lane]]:
    directory = Path(tempfile.mkdtemp(prefix="kwippy-mutate-"))
    free: queue.Queue[Lane] = queue.Queue()
    made: list[Lane] = []
    try:
        for number in range(LANES):
            made.append(Lane(directory / str(number)))
            made[-1].start()
            free.put(made[-1])
        yield free
    finally:
        for lane in made:
            lane.stop()
        shutil.rmtree(directory, ignore_errors=True)


def chosen(words: Sequence[str]) -> list[Mutation]:
    texts = [(mutation, f"{mutation.promise}\n{mutation.name}\n{mutation.file}") for mutation in mutations()]
    return [mutation for mutation, text in texts if not words or any(word in text for word in words)]


def is_green(free: queue.Queue[Lane], pool: ThreadPoolExecutor, wanted: Sequence[Mutation]) -> bool:
    """Whether all these tests pass while nothing is mutated."""
    tests = list(dict.fromkeys(test for mutation in wanted for test in mutation.tests))

    def run(share: list[str]) -> tuple[int, str]:
        lane = free.get()
        try:
            return lane.run(share, seconds=300) if share else (PASSED, "")
        finally:
            free.put(lane)

    outcomes = list(pool.map(run, [tests[place::LANES] for place in range(LANES)]))
    for code, output in outcomes:
        if code != PASSED:
            say(output)
    return all(code == PASSED for code, _ in outcomes)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    wanted = chosen(words)
    for mutation in wanted:
        mutation.mutated()  # before anything is started
    started = time.monotonic()
    with lanes() as free, ThreadPoolExecutor(LANES) as pool:
        if not is_green(free, pool, wanted):
            say("The tests fail while nothing is mutated.")
            return 1
        say(f"{len(wanted)} mutations; their tests pass without them ({time.monotonic() - started:.0f} s).")

        def try_out(mutation: Mutation) -> Result:
            lane = free.get()
            try:
                result = lane.try_out(mutation)
            finally:
                free.put(lane)
            about = f"{mutation.promise.partition(':')[0]}: {mutation.name}"
            say(f"{result.said:10}{result.seconds:6.1f} s  {about}")
            return result

        results = list(pool.map(try_out, wanted))
    left = [result.mutation for result in results if result.said != "killed"]
    for mutation in left:
        say(f"\nNot killed: {mutation.name} ({mutation.promise})\n  {mutation.file}: {mutation.old!r}")
        say("  by " + "\n     ".join(mutation.tests))
    say(f"\n{len(results) - len(left)} of {len(results)} killed in {time.monotonic() - started:.0f} s.")
    return 1 if left or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
