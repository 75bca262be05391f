"""An entry, and the generation of a page rendered from it: no page of a stale entry is left."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement

import pytest

from apps.lookaside import marks as marking
from apps.lookaside.marks import NO_ITEM, Removal, Seen
from apps.lookaside.marks_in_memcached import Wire
from apps.lookaside.server import Options, server

ENTRY, GENERATION = KEYS = (b"entry", b"generation")
STEPS = 20


class Pair:
    """`marks.Commands` over two keys. Something else may happen before each command of a round trip."""

    def __init__(self, items: Mapping[bytes, bytes], before_command: Callable[["Pair"], None]) -> None:
        self.items: dict[bytes, Seen] = {}
        self.numbers = 0
        self.before_command = before_command
        for key, value in items.items():
            self.put(key, value)

    def put(self, key: bytes, value: bytes) -> None:
        self.numbers += 1
        self.items[key] = Seen(value, b"%d" % self.numbers)

    def append(self, keys: Sequence[bytes], record: bytes, seconds: int) -> Mapping[bytes, Seen]:
        for key in keys:
            self.put(key, (self.items[key].value if key in self.items else b"") + record)
        return {key: self.items[key] for key in keys}

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Seen]:
        seen = {}
        for key in keys:
            self.before_command(self)
            if key in self.items:
                seen[key] = self.items[key]
        return seen

    def remove(self, removals: Sequence[Removal]) -> list[bool]:
        return [self._remove(removal) for removal in removals]

    def _remove(self, removal: Removal) -> bool:
        self.before_command(self)
        item = self.items.get(removal.key)
        if item is None:
            return True
        if removal.unique not in (b"", item.unique):
            return False
        del self.items[removal.key]
        if removal.rest:
            self.put(removal.key, removal.rest)
        return True


class Reader:
    """Renders a page: reads its generation, or creates it; then the entry; each at its own time."""

    def __init__(self, times: tuple[int, int]) -> None:
        self.times = list(times)
        self.now = 0
        self.generation = b""
        self.is_stale = False

    def __call__(self, pair: Pair) -> None:
        while self.times and self.times[0] <= self.now:
            self.times.pop(0)
            if self.times:
                self.read_generation(pair)
            else:
                entry = pair.items.get(ENTRY)
                self.is_stale = entry is not None and entry.value == b"old"
        self.now += 1

    def read_generation(self, pair: Pair) -> None:
        if GENERATION not in pair.items:
            pair.put(GENERATION, b"created by the reader")
        value = pair.items[GENERATION].value
        # With a marked one it stores nothing.
        self.generation = b"" if marking.is_marked(value) else value


@pytest.mark.parametrize("marked", [(), (ENTRY,), (GENERATION,), KEYS], ids=str)
@pytest.mark.parametrize("present", [(), (ENTRY,), (GENERATION,), KEYS], ids=str)
def test_a_page_of_a_stale_entry_is_unreachable_after_the_invalidation(
    present: tuple[bytes, ...], marked: tuple[bytes, ...]
) -> None:
    for times in combinations_with_replacement(range(STEPS), 2):
        reader = Reader(times)
        pair = Pair(dict.fromkeys(present, b"old"), reader)
        record = marking.new_record(30)
        numbers = marking.mark(pair, marked, record, 30)
        marking.invalidate(pair, KEYS, marking.Marks(record, numbers))
        assert reader.now < STEPS
        now = pair.items.get(GENERATION)
        is_reachable = now is not None and now.value == reader.generation
        assert not (reader.is_stale and is_reachable), times


def test_an_invalidation_leaves_the_mark_of_another_transaction() -> None:
    pair = Pair({ENTRY: b"old"}, lambda _: None)
    other, own = marking.new_record(30), marking.new_record(30)
    marking.mark(pair, [ENTRY], other, 30)
    numbers = marking.mark(pair, [ENTRY], own, 30)
    marking.invalidate(pair, [ENTRY], marking.Marks(own, numbers))
    assert pair.items[ENTRY].value == other


def test_a_removal_of_no_item_leaves_one_that_was_created_meanwhile(memcached: str) -> None:
    wire = Wire(at := server(memcached, Options(timeout=5)))
    at.exchange(b"md missing\r\nms created 3\r\nnew\r\n", 2)
    assert wire.remove([Removal(b"missing", NO_ITEM), Removal(b"created", NO_ITEM)]) == [True, False]
    assert wire.look([b"created"])[b"created"].value == b"new"
