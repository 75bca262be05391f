"""The counts of a thread: blocks nest, and no count is left out."""

from dataclasses import astuple, fields

import pytest

from apps.lookaside.stats import Counts, collected, counts


def test_a_block_adds_every_count_to_the_block_around_it() -> None:
    with collected() as outer:
        with collected() as inner:
            for number, field in enumerate(fields(Counts), start=1):
                setattr(counts(), field.name, number)
        assert astuple(inner) == astuple(outer) == (1, 2, 3, 4, 5, 6)
        counts().hits += 1
        assert (inner.hits, outer.hits) == (2, 3)


def test_a_block_that_raises_is_counted_too() -> None:
    def fail() -> None:
        with collected():
            counts().misses += 1
            raise RuntimeError

    with collected() as outer:
        with pytest.raises(RuntimeError):
            fail()
        assert outer.misses == 1
        assert counts() is outer
