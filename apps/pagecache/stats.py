"""What this process answered, by how."""

import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()


def count(how: str) -> None:
    with _lock:
        _counts[how] += 1


def counts() -> dict[str, int]:
    """Answers since the process began: "hit" (kept), "miss" (made and kept), "unkept" (made for this one:
    no page, too large, or asked for the first time), "away" (made while memcached was away), "passed"
    (members, forms, cursors: none of ours).
    """
    with _lock:
        return dict(_counts)
