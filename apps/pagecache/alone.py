"""What a process does while memcached is away: one render a second of each page, however many ask for it."""

import threading
from collections.abc import Callable
from time import monotonic

from apps.pagecache.addresses import Address

# Longer would be noticed; shorter would have each of a crowd's requests rendered.
KEPT_SECONDS = 1.0
MOST = 256


class Copies[Made]:
    """The last of each page, for a second. Others who ask for it while it is being made wait for it.

    What they get may be a second and one render old: no purge reaches this process.
    """

    def __init__(self) -> None:
        # A few locks for all addresses: two that share one wait for each other, which costs time only.
        self._locks = [threading.Lock() for _ in range(64)]
        self._kept: dict[Address, tuple[float, Made]] = {}

    def get(self, address: Address, make: Callable[[], tuple[Made, bool]]) -> tuple[Made, bool]:
        """What was made for ``address``, and whether it was before. ``make`` also tells if it may be kept."""
        with self._locks[hash(address) % len(self._locks)]:
            found = self._kept.get(address)
            if found is not None and monotonic() - found[0] < KEPT_SECONDS:
                return found[1], True
            made, keep = make()
            self._kept.pop(address, None)
            if keep:
                self._kept[address] = (monotonic(), made)
                while len(self._kept) > MOST:
                    self._kept.pop(next(iter(self._kept)), None)
            return made, False
