"""A process that uses the cache, forks, and has everybody use it on: `python -m … ADDRESS`."""

import os
import signal
import sys
import threading
from functools import partial
from typing import Any

import django
from django.conf import settings


def main(address: str) -> None:
    settings.configure(
        SECRET_KEY="only for tests",
        DATABASES={},
        CACHES={
            "default": {"BACKEND": "apps.lookaside.backends.LocalLookaside"},
            "lookaside": {
                "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
                "LOCATION": address,
                "OPTIONS": {"timeout": 5},
            },
        },
    )
    django.setup()
    use("parent")
    children = []
    lease_at_fork()
    learning = learning_that_it_is_away()
    for name in ("first", "second"):
        child = os.fork()
        if child == 0:
            # A lock that nobody will ever release ends the child, not the patience of who started us.
            signal.alarm(60)
            # Two threads, the one that forked among them.
            thread = threading.Thread(target=use, args=(f"{name}, thread",))
            thread.start()
            use(name)
            thread.join()
            os._exit(0)
        children.append(child)
    learning._dead_until = 0.0
    learning._lock.release()
    use("parent")
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    use("parent")
    sys.stdout.write(f"{codes}\n")


def learning_that_it_is_away() -> Any:
    """What this process knows of its server, left as a thread has it that is just about to change it."""
    from apps.lookaside import cache

    store: Any = cache().store
    server = store._homes([b"any"])[0][0]
    server._lock.acquire()
    server._dead_until = float("inf")
    return server


def use(name: str) -> None:
    """Ends the process where an answer was meant for another."""
    from apps.lookaside import cache, stats

    for number in range(300):
        key, value = f"{name} {number}", f"{name}'s {number}" * 50
        with stats.collected() as counted:
            cache().get_or_compute(key, partial(str, value))
            again = cache().get_or_compute(key, lambda: "computed again")
        if again != value or counted.hits != 1 or counted.failures or cache().invalidate([key]):
            fail(f"{name}: {again!r} {counted}")


def lease_at_fork() -> None:
    """Forks in the middle of a computation: the lease is the parent's, and only its."""
    from apps.lookaside import cache

    parent = os.getpid()

    def compute() -> str:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        return "the parent's" if os.getpid() == parent else "the child's"

    found = cache().get_or_compute("forked", compute)
    if os.getpid() != parent:
        os._exit(0)
    if (found, cache().get_or_compute("forked", lambda: "lost")) != ("the parent's", "the parent's"):
        fail("a child filled or spoilt its parent's lease")


def fail(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
