"""Argon2 with a limit on the total memory of concurrent hashes in a process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from apps.limits import Busy

# OWASP's Password Storage Cheat Sheet: Argon2id with 46 MiB and one pass, or more.
MEMORY_KIB = 46 * 1024
AT_ONCE = 2
WAIT_SECONDS = 2.0


class MemoryLimit:
    """A semaphore that counts KiB. A request for more than the total takes the total."""

    def __init__(self, kib: int) -> None:
        self._kib = kib
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, kib: int) -> Iterator[None]:
        """Reserves ``kib``. Raises `Busy` if they are not free within `WAIT_SECONDS`."""
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


_memory = MemoryLimit(MEMORY_KIB * AT_ONCE)


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Runs `AT_ONCE` hashes concurrently per process; others wait, then raise `Busy`.

    Rate limits do not limit memory, since many clients can hash at the same time. Hashes with the parameters
    of an earlier release are verified within the same limit, and replaced at the next sign-in.
    """

    time_cost = 2
    memory_cost = MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _memory.reserve(self.memory_cost):
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _memory.reserve(int(self.decode(encoded)["memory_cost"])):
            return super().verify(password, encoded)
