"""One page of a list, and the addresses of the pages beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.keyset.cursor import BadCursor, Listing, Position, Value, decode, encode

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Seek:
    """What a fetch shall read: up to ``limit`` rows beyond ``position``.

    ``backward`` is against the list's order: the nearest rows first, all the same.
    """

    listing: Listing
    position: Position
    backward: bool
    limit: int

    @property
    def parameters(self) -> dict[str, Value]:
        """For SQL: `cursor_` and each key's name, and `limit`."""
        named = {
            f"cursor_{key.name}": value for key, value in zip(self.listing.by, self.position, strict=True)
        }
        return {**named, "limit": self.limit}


type Fetch[T] = Callable[[Seek], Sequence[T]]


@dataclass(frozen=True, slots=True)
class Load[T]:
    """How much a page may carry: rows that weigh ``most`` together. One row is always carried."""

    most: int
    weigh: Callable[[T], int]

    def carried(self, rows: Sequence[T]) -> int:
        """How many of the rows, from the first one on, make a page."""
        total = 0
        for count, row in enumerate(rows):
            total += self.weigh(row)
            if total > self.most and count:
                return count
        return len(rows)


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Rows in the list's order. ``older`` and ``newer`` are query strings, "" where there is nothing.

    ``oldest_first`` tells which of the two is the next page of the list and which the previous.
    """

    items: list[T]
    older: str = ""
    newer: str = ""
    oldest_first: bool = False
    is_first: bool = True

    @property
    def next(self) -> str:
        """Where rel="next" leads."""
        return self.newer if self.oldest_first else self.older

    @property
    def previous(self) -> str:
        """Where rel="prev" leads."""
        return self.older if self.oldest_first else self.newer

    def showing[U](self, items: Sequence[U]) -> Page[U]:
        """The same page with other items: say, the cards of its ids."""
        return Page(list(items), self.older, self.newer, self.oldest_first, self.is_first)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def paginate[T](
    arguments: Mapping[str, str],
    listing: Listing,
    fetch: Fetch[T],
    *,
    limit: int = 20,
    load: Load[T] | None = None,
    keep: Mapping[str, str] | None = None,
) -> Page[T]:
    """The page that ``arguments`` (a request's GET) ask for by ``before`` or ``after``; else the first.

    With a ``load`` a page ends before its ``limit`` where its rows weigh too much. ``keep`` holds other
    arguments, already checked, for the links to carry on. Raises `BadCursor`.
    """
    seek, is_start = _asked(arguments, listing, limit)
    rows = list(fetch(seek))
    # Near the start a page of what is left would be a stump. But where pages end by weight, those of the way
    # back end elsewhere than those of the way there, and a first page made full would repeat rows.
    if seek.backward and len(rows) < limit and not (load and rows):
        seek, is_start = Seek(listing, listing.start, backward=False, limit=limit + 1), True
        rows = list(fetch(seek))
    held = min(limit, load.carried(rows) if load else limit)
    beyond = len(rows) > held
    del rows[held:]
    if seek.backward:
        rows.reverse()
    links = _Links(listing, keep or {}, rows)
    if seek.backward:
        following, preceding = links.next(), links.previous() if beyond else ""
    else:
        following, preceding = links.next() if beyond else "", "" if is_start else links.previous()
    older, newer = (preceding, following) if listing.oldest_first else (following, preceding)
    return Page(rows, older, newer, listing.oldest_first, is_first=not preceding)


def _asked(arguments: Mapping[str, str], listing: Listing, limit: int) -> tuple[Seek, bool]:
    """The seek, and whether it starts at the list's start."""
    before, after = arguments.get(BEFORE), arguments.get(AFTER)
    if before is not None and after is not None:
        raise BadCursor
    text = before if before is not None else after
    if text is None:
        return Seek(listing, listing.start, backward=False, limit=limit + 1), True
    backward = (before is not None) == listing.oldest_first
    return Seek(listing, decode(listing, text), backward, limit + 1), False


@dataclass(frozen=True, slots=True)
class _Links[T]:
    listing: Listing
    keep: Mapping[str, str]
    rows: list[T]

    def next(self) -> str:
        return self._query(AFTER if self.listing.oldest_first else BEFORE, self.rows[-1])

    def previous(self) -> str:
        if not self.rows:
            # Beyond the end: back to the first page. A bare "?" drops the cursor from the address.
            return "?" + self._kept()
        return self._query(BEFORE if self.listing.oldest_first else AFTER, self.rows[0])

    def _query(self, argument: str, row: T) -> str:
        cursor = encode(self.listing, self.listing.position_of(row))
        return "?" + "&".join(filter(None, [self._kept(), f"{argument}={cursor}"]))

    def _kept(self) -> str:
        return urlencode({name: value for name, value in self.keep.items() if value})
