"""The earlier commit beside which writes are measured."""

import pytest

from bench.writes import before


def test_a_commit_that_is_not_here_is_named() -> None:
    with pytest.raises(SystemExit, match="has no commit 0000000"):
        before.checkout("0000000")
