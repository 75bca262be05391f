"""Many threads over few connections, each misbehaving in its own way. `TORTURE=1` takes a minute over it."""

import contextlib
import os
import random
import threading
import time
from collections import Counter

from django.db import DatabaseError, InterfaceError, transaction

from apps.dbpool import stats
from apps.dbpool.tests.conftest import ALIAS, Database, run, wrapper

SECONDS = 60 if os.environ.get("TORTURE") == "1" else 2
THREADS = 64
CONNECTIONS = 8


class Misbehaviour(Exception):
    pass


def borrow(chance: random.Random, name: str) -> None:
    """One borrower: sees that nothing is left from others, leaves something of its own, may break off."""
    assert run("SHOW application_name") == [("",)]
    assert run("SHOW transaction_read_only") == [("off",)]
    assert run("SELECT current_setting('crowd.who', true)") in ([(None,)], [("",)])
    assert wrapper().get_autocommit()
    run("SELECT set_config('crowd.who', %s, false), set_config('application_name', %s, false)", name, name)
    what = chance.choice(["nothing", "error", "broken", "open", "begin", "leave", "kill", "atomic"])
    if what == "error":
        raise Misbehaviour
    if what == "broken":
        run("SELECT nothing_of_the_kind")
    if what == "open":
        wrapper().set_autocommit(False)
        run("INSERT INTO note VALUES (-1, 'never committed')")
        raise Misbehaviour
    if what == "begin":
        run("BEGIN")
        run("INSERT INTO note VALUES (-1, 'never committed')")
    if what == "kill" and chance.random() < 0.05:
        run("SELECT pg_terminate_backend(pg_backend_pid())")
    if what == "atomic":
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (1, %s)", name)
            if chance.random() < 0.5:
                raise Misbehaviour
            run("INSERT INTO note VALUES (1, %s)", name)
    assert run("SELECT current_setting('crowd.who')") == [(name,)], "somebody else was on this connection"


def test_a_crowd_shares_a_few_connections(database: Database) -> None:
    database.configure(max_size=CONNECTIONS, timeout=60, max_lifetime=1)
    stop = threading.Event()
    strange: list[BaseException] = []
    turns: Counter[int] = Counter()

    def visit(number: int, chance: random.Random) -> None:
        try:
            borrow(chance, f"visitor {number}")
        except (Misbehaviour, DatabaseError, InterfaceError):
            pass
        except BaseException as error:
            strange.append(error)
            stop.set()

    def visitor(number: int) -> None:
        chance = random.Random(number)
        while not stop.is_set():
            if chance.random() < 0.02:
                # This one ends without giving its connection back.
                forgetful = threading.Thread(target=visit, args=[number, chance])
                forgetful.start()
                forgetful.join()
            else:
                visit(number, chance)
                wrapper().close()
            turns[number] += 1

    threads = [threading.Thread(target=visitor, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    most = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not stop.is_set():
        time.sleep(0.2)
        with contextlib.suppress(DatabaseError):
            most = max(most, database.sessions())
    stop.set()
    for thread in threads:
        thread.join()
    assert strange == []
    # A connection being closed is counted by PostgreSQL for a moment longer than by us.
    assert most <= 2 * CONNECTIONS
    state = stats()[ALIAS]
    assert (state.in_use, state.waiting, state.timeouts) == (0, 0, 0)
    assert state.open <= CONNECTIONS
    assert database.settles_at(state.open)
    assert database.admin("SELECT count(*) FROM note WHERE id = -1") == [(0,)]
    assert database.admin("SELECT text FROM note GROUP BY text HAVING mod(count(*), 2) = 1") == []
    assert min(turns.values()) * 3 >= max(turns.values()), "first come, first served"
