"""Chance that can be repeated."""

from bisect import bisect
from collections.abc import Sequence
from random import Random


def dice(seed: int, purpose: str) -> Random:
    """Dice for one purpose: the same for the same seed, whatever other dice were thrown in between."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - nothing secret is made with it


def weighted(chance: Random, cumulated: Sequence[float], first: int) -> int:
    """One of the ``first`` indexes, by their weights, given as running totals; the last weight is not 0."""
    return min(bisect(cumulated, chance.random() * cumulated[first - 1], 0, first), first - 1)
