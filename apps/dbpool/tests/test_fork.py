"""Processes: a child never touches its parent's connections, and the end of a process closes its own."""

import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import ProgrammingError, transaction

from apps.dbpool import stats
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper


def in_child(function: Callable[[], object]) -> None:
    """Runs the function in a fork of this process; fails if it fails."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_child_has_connections_of_its_own_and_the_parents_live_on(database: Database) -> None:
    mine = backend()

    def child() -> None:
        assert stats() == {}
        assert wrapper().connection is None
        assert backend() != mine
        wrapper().close()
        wrapper().close_pool()

    in_child(child)
    assert backend() == mine
    assert run("SELECT 1") == [(1,)]


def test_idle_connections_are_not_shared_either(database: Database) -> None:
    mine = backend()
    wrapper().close()

    def child() -> None:
        assert backend() != mine

    in_child(child)
    assert backend() == mine


def test_a_transaction_does_not_go_on_in_the_child(database: Database) -> None:
    inherited = wrapper()

    def child() -> None:
        with pytest.raises(ProgrammingError, match="in an atomic block"):
            inherited.cursor()

    with transaction.atomic(ALIAS):
        run("INSERT INTO note VALUES (1, '')")
        in_child(child)
    assert run("SELECT id FROM note") == [(1,)]


def test_a_fork_at_any_moment_of_other_threads_leaves_the_child_working(database: Database) -> None:
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            backend()
            wrapper().close()

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            in_child(backend)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert run("SELECT 1") == [(1,)]


def test_the_end_of_the_process_closes_what_is_idle(database: Database) -> None:
    script = """
import django
django.setup()
from django.db import connection
from apps.dbpool import stats, registry
connection.ensure_connection()
connection.close()
pool = registry._pools["default"]
import atexit
atexit._run_exitfuncs()
print(pool.stats().open, stats())
"""
    done = subprocess.run(
        [sys.executable, "-c", _SETTINGS.format(host=database.server.sockets) + script],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 {}\n", "")
    assert database.settles_at(0)


_SETTINGS = """
from django.conf import settings
settings.configure(DATABASES={{"default": {{
    "ENGINE": "apps.dbpool", "HOST": "{host}", "NAME": "dbpool", "USER": "kwippy",
}}}})
"""
