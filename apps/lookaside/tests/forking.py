"""A process that uses the cache, forks, and goes on using it in all processes: `python -m … ADDRESS`."""

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
    locked = locked_as_in_mark_down()
    for name in ("first", "second"):
        child = os.fork()
        if child == 0:
            # A child that waits for a lock that is never released ends here, not in the timeout of the test.
            signal.alarm(60)
            # Two threads: this one, which forked, and a new one.
            thread = threading.Thread(target=use, args=(f"{name}, thread",))
            thread.start()
            use(name)
            thread.join()
            os._exit(0)
        children.append(child)
    locked._down_until = 0.0
    locked._lock.release()
    use("parent")
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    use("parent")
    sys.stdout.write(f"{codes}\n")


def locked_as_in_mark_down() -> Any:
    """This process's `Server`, in the state of a thread that is marking it down: locked."""
    from apps.lookaside import cache

    store: Any = cache().store
    server = store._batches([b"any"])[0][0]
    server._lock.acquire()
    server._down_until = float("inf")
    return server


def use(name: str) -> None:
    """Ends the process if it reads a reply that was meant for another."""
    from apps.lookaside import cache, stats

    for number in range(300):
        key, value = f"{name} {number}", f"{name}'s {number}" * 50
        with stats.collected() as counted:
            cache().get_or_compute(key, partial(str, value))
            again = cache().get_or_compute(key, lambda: "computed again")
        if again != value or counted.hits != 1 or counted.failures or cache().invalidate([key]):
            fail(f"{name}: {again!r} {counted}")


def lease_at_fork() -> None:
    """Forks during a computation: only the parent may use the lease."""
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
        fail("a child used or voided its parent's lease")


def fail(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
