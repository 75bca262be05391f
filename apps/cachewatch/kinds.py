"""What is watched: apps add to `kinds`."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

# Entries of a kind in one look.
SAMPLE = 50


class Item(NamedTuple):
    """An entry of the look-aside cache, and what it should hold.

    ``fresh`` computes that from PostgreSQL; ``reduced`` is applied to both, to what must be equal.
    """

    id: Hashable
    key: str
    fresh: Callable[[], Any]
    schema: int = 1
    reduced: Callable[[Any], Any] = lambda value: value


class Kind(NamedTuple):
    """A kind of entries: ``sample`` returns ids of some that are probably cached, `SAMPLE` at most.

    ``items`` returns the entries of these ids as they are named now.
    """

    name: str
    sample: Callable[[], Sequence[Any]]
    items: Callable[[Sequence[Any]], Sequence[Item]]


kinds: list[Kind] = []
