"""Random numbers that can be repeated."""

from bisect import bisect
from collections.abc import Sequence
from random import Random


def seeded_random(seed: int, purpose: str) -> Random:
    """Returns the generator for one purpose. It depends on seed and purpose alone."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - nothing secret is made with it


def weighted(chance: Random, cumulated: Sequence[float], first: int) -> int:
    """One of the ``first`` indexes, by their weights, given as running totals; the last weight is not 0."""
    return min(bisect(cumulated, chance.random() * cumulated[first - 1], 0, first), first - 1)
