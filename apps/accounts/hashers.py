"""Argon2 with a bound on the memory that all hashes of a process take together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from apps.limits import Busy

# OWASP's Password Storage Cheat Sheet: Argon2id with 46 MiB and one pass, or more.
MEMORY_KIB = 46 * 1024
AT_ONCE = 2
WAIT_SECONDS = 2.0


class Memory:
    """A number of KiB that threads share. What needs more than there is gets all of it, alone."""

    def __init__(self, kib: int) -> None:
        self._kib = kib
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def of(self, kib: int) -> Iterator[None]:
        """Holds ``kib`` of it. Raises `Busy` where they are not free within `WAIT_SECONDS`."""
        kib = min(kib, self._kib)
        with self._changed:
            if not self._changed.wait_for(lambda: self._used + kib <= self._kib, WAIT_SECONDS):
                raise Busy("all memory for password hashes is in use")
            self._used += kib
        try:
            yield
        finally:
            with self._changed:
                self._used -= kib
                self._changed.notify_all()


_memory = Memory(MEMORY_KIB * AT_ONCE)


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """`AT_ONCE` hashes at the same time in a process; others wait, and are then refused with `Busy`.

    Rate limits do not bound memory: they count tries, and hashes of many clients run at the same time. A hash
    with an earlier release's parameters is verified within the same bound, and replaced at the next sign-in.
    """

    time_cost = 2
    memory_cost = MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _memory.of(self.memory_cost):
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _memory.of(int(self.decode(encoded)["memory_cost"])):
            return super().verify(password, encoded)
