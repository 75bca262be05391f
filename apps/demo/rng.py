"""Reproducible random numbers."""

from bisect import bisect
from collections.abc import Sequence
from random import Random


def seeded_random(seed: int, purpose: str) -> Random:
    """Returns a generator that depends only on the seed and the purpose."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - not for secrets


def weighted(chance: Random, cumulated: Sequence[float], first: int) -> int:
    """One of the ``first`` indexes, by cumulated weights; the last weight is not 0."""
    return min(bisect(cumulated, chance.random() * cumulated[first - 1], 0, first), first - 1)
