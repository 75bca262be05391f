"""Slices of the ids and of the days of kwips: lexemes beside their words; an index scan then reads a range.

    level 2   [0                          [1                          16,384 ids each
    level 1   )0     )1     )2     )3     )4     )5     )6     )7      4,096
    level 0   (0 (1 (2 (3 (4 (5 (6 …                                   1,024

Each kwip has one slice of each level. A walk from the newest id on reads a few slices of level 0, then a few
of level 1, and so on, each step some four times as long as the one before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.keyset import SMALLEST


@dataclass(frozen=True)
class Scale:
    """``signs`` begin the lexemes of the levels, and no word has one.

    A slice of level 0 has 2^``bits`` numbers, one of another level 2^``ratio_bits`` slices of the one before.
    """

    signs: str
    bits: int
    ratio_bits: int

    def size(self, level: int) -> int:
        """The numbers in a slice of the level."""
        return 1 << self.bits + level * self.ratio_bits

    def lexemes(self, low: int, high: int, level: int) -> list[str]:
        """The slices of one level that cover ``low`` to ``high`` (exclusive)."""
        size = self.size(level)
        if low >= high:
            return []
        return [f"{self.signs[level]}{number:x}" for number in range(low // size, -(-high // size))]

    def covering(self, low: int, high: int) -> list[str]:
        """The fewest slices that cover just ``low`` to ``high`` (exclusive), which are rounded to level 0."""
        found: list[str] = []
        for level in range(len(self.signs) - 1):
            wider = self.size(level + 1)
            inner_low, inner_high = -(-low // wider) * wider, high // wider * wider
            if inner_low > inner_high:
                inner_low = inner_high = high
            found += self.lexemes(low, inner_low, level) + self.lexemes(inner_high, high, level)
            low, high = inner_low, inner_high
        return found + self.lexemes(low, high, len(self.signs) - 1)

    def sql(self, number: str) -> str:
        """SQL of the slices of one kwip, as an array of texts; ``number`` is its id or day."""
        levels = [
            f"'{sign}' || to_hex(({number}) >> {self.bits + level * self.ratio_bits})"
            for level, sign in enumerate(self.signs)
        ]
        return f"ARRAY[{', '.join(levels)}]"


IDS = Scale("()[]{}", bits=10, ratio_bits=2)
DAYS = Scale("<>|~", bits=0, ratio_bits=3)  # since 2000-01-01, UTC

# The last step reads all that is left, once that is at most so many times as much as all steps before it.
_REST = 16


@dataclass(frozen=True)
class Step:
    """Ids from ``low`` to ``high`` (exclusive), by these slices; without slices, all of them."""

    low: int
    high: int
    slices: list[str]


def steps(position: int, newest: int, *, is_ascending: bool) -> Iterator[Step]:
    """The ids beyond a position, the nearest first, up to the newest id.

    The last step has no slices: few kwips match, or the steps before it would have filled the page. Nor has
    that of the ids below zero, which are imported kwips.
    """
    if is_ascending and position < 0:
        yield Step(position + 1, 0, [])
        position = -1
    elif not is_ascending and position <= 0:
        yield Step(SMALLEST, position, [])
        return
    at = start = position + 1 if is_ascending else min(position, newest + 1)
    end = newest + 1 if is_ascending else 0
    for level in range(len(IDS.signs)):
        if abs(end - at) <= max(IDS.size(level), _REST * abs(at - start)):
            break
        size, wider = IDS.size(level), IDS.size(level + 1)
        # To a bound of the next level, at least one slice away.
        after = -(-(at + size) // wider) * wider if is_ascending else (at - size) // wider * wider
        low, high = max(0, min(at, after)), max(at, after)
        yield Step(low, high, IDS.lexemes(low, high, level))
        at = max(0, after)
    if is_ascending:
        yield Step(at, 2**63 - 1, [])
    else:
        yield Step(SMALLEST, at, [])
