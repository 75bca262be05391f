"""The processes of one way: readers, a writer, and writers that are killed. Prints what it counted as JSON.

    python -m bench.stale.driver ours '{"reads": 40000, "sessions": 20, "seconds": 55, "restart": 26}'

It asks the bench to restart memcached by printing "restart". Rows below `WRITTEN` belong to the writer; each
of the others is written once at most, by a writer that is killed.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from bench.stale.board import ANSWERED, ENDED, KILLED, MARKED, UNMARKED, Board

ROWS = 800
WRITTEN = 16
# Reads for each write.
READS_A_WRITE = 100


class Run:
    def __init__(self, way: str, bounds: dict[str, int]) -> None:
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connections

        from bench.stale import ways

        call_command("migrate", verbosity=0)
        self.bounds = bounds
        self.mark_seconds = settings.MARK_SECONDS + 1  # memcached counts whole seconds
        self.way: ways.Way = ways.WAYS[way](*rows())
        self.board = Board(ROWS)
        # Reads and counts by process, written by it alone.
        self.processes = 1 + max(2, os.cpu_count() or 1)
        self.counts = Board(self.processes)
        connections.close_all()

    def measure(self) -> dict[str, int]:
        """Starts the processes, kills a writer each second, and returns the sums."""
        readers = range(1, self.processes)
        pipes = {number: self.fork(partial(self.read_by_threads, number)) for number in readers}
        pipes[0] = self.fork(self.write)
        sums = self.kill_and_restart(lambda: sum(self.counts.get(0, number) for number in readers))
        for pid, pipe in pipes.values():
            os.kill(pid, signal.SIGTERM)
            with os.fdopen(pipe) as output:
                sums.update(json.loads(output.read()))
            os.waitpid(pid, 0)
        return dict(sums)

    def fork(self, work: Callable[[], dict[str, int]]) -> tuple[int, int]:
        """Runs ``work`` in a child until SIGTERM; returns its process id, and the end of a pipe."""
        output, input_ = os.pipe()
        pid = os.fork()
        if pid:
            os.close(input_)
            return pid, output
        status = 1
        try:
            self.over = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: self.over.set())
            with os.fdopen(input_, "w") as pipe:
                pipe.write(json.dumps(work()))
            status = 0
        finally:
            os._exit(status)

    # ── Readers ───────────────────────────────────────────────────────────────────────────────────

    def read_by_threads(self, number: int) -> dict[str, int]:
        found: list[Counter[str]] = []
        threads = [
            threading.Thread(target=self.read, args=(number, found))
            for _ in range(max(1, self.bounds["sessions"] // (self.processes - 1)))
        ]
        for thread in threads:
            thread.start()
        self.over.wait()
        for thread in threads:
            thread.join()
        sums = Counter(reads=0, after_response=0, after_kill=0, while_marked=0, unmarked=0)
        for counts in found:
            sums.update(counts)
        return dict(sums)

    def read(self, number: int, found: list[Counter[str]]) -> None:
        from django.db import connection

        counts: Counter[str] = Counter()
        found.append(counts)
        chance = random.Random(threading.get_ident())
        while not self.over.is_set():
            row = chance.choice((chance.randrange(ROWS), chance.randrange(WRITTEN)))
            answered, ended, killed, unmarked = (
                self.board.get(what, row) for what in (ANSWERED, ENDED, KILLED, UNMARKED)
            )
            try:
                version = self.way.read(row)
            except Exception as error:  # memcached restarts: Django's client raises
                counts[f"failed: {type(error).__name__}"] += 1
                continue
            finally:
                if connection.connection is not None:
                    connection.close()
            counts["reads"] += 1
            counts["after_response"] += version < answered
            counts["after_kill"] += version < ended
            counts["while_marked"] += ended <= version < killed
            counts["unmarked"] += version < unmarked
            if counts["reads"] % 50 == 0:
                # Other threads of the process may overwrite it by a little less.
                self.counts.set(0, number, sum(each["reads"] for each in found))

    # ── Writers ───────────────────────────────────────────────────────────────────────────────────

    def write(self) -> dict[str, int]:
        """One write for a hundred reads, of rows in turn."""
        from django.db import connection

        counts: Counter[str] = Counter(writes=0)
        versions: Counter[int] = Counter()
        chance = random.Random(2008)
        while not self.over.is_set():
            reads = sum(self.counts.get(0, number) for number in range(1, self.processes))
            if counts["writes"] * READS_A_WRITE > reads:
                self.over.wait(0.002)
                continue
            counts["writes"] += 1
            row = chance.randrange(WRITTEN)
            versions[row] += 1
            try:
                self.way.write(row, versions[row])
            except Exception as error:  # as above; then nothing was promised
                counts[f"failed: {type(error).__name__}"] += 1
            else:
                self.board.set(ANSWERED, row, versions[row])
            connection.close()
        return dict(counts)

    def kill_and_restart(self, reads: Callable[[], int]) -> Counter[str]:
        """Kills a writer each second until there are enough reads; returns the kills and the restarts."""
        began = time.monotonic()
        marked: list[tuple[float, int]] = []
        sums: Counter[str] = Counter(kills=0, kills_without_mark=0, restarts=0)
        while time.monotonic() < began + self.bounds["seconds"] or reads() < self.bounds["reads"]:
            time.sleep(1)
            done = sums["kills"] + sums["kills_without_mark"]
            row = WRITTEN + done % (ROWS - WRITTEN)
            version = done // (ROWS - WRITTEN) + 1
            if self.is_killed(row, version):
                if self.board.get(MARKED, row) == version:
                    sums["kills"] += 1
                    self.board.set(KILLED, row, version)
                    marked.append((time.monotonic() + self.mark_seconds, row))
                else:
                    sums["kills_without_mark"] += 1
                    self.board.set(UNMARKED, row, version)
            while marked and marked[0][0] < time.monotonic():
                row = marked.pop(0)[1]
                self.board.set(ENDED, row, self.board.get(KILLED, row))
            if time.monotonic() > began + (sums["restarts"] + 1) * self.bounds["restart"]:
                sums["restarts"] += 1
                print("restart", flush=True)
                sys.stdin.readline()
        return sums

    def is_killed(self, row: int, version: int) -> bool:
        """Writes in a process that is killed after its COMMIT; whether it came so far."""
        pid = os.fork()
        if pid == 0:
            try:
                self.way.read(row)  # as a request reads its session: marks need an open connection
                self.way.die_after_commits(lambda: self.board.set(MARKED, row, version))
                self.way.write(row, version)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status)


def rows() -> tuple[list[str], list[int]]:
    """The session keys and the ids of users, all at version 0."""
    from django.contrib.sessions.backends.db import SessionStore

    from apps.accounts.models import User

    keys, ids = [], []
    for number in range(ROWS // 2):
        user = User.objects.create_user(f"reader{number}", f"reader{number}@people.example")
        User.objects.filter(pk=user.pk).update(bio="0")
        session = SessionStore()
        session["version"] = 0
        session.create()
        session.save()
        keys.append(str(session.session_key))
        ids.append(user.pk)
    return keys, ids


if __name__ == "__main__":
    print(json.dumps(Run(sys.argv[1], json.loads(sys.argv[2])).measure()), flush=True)
