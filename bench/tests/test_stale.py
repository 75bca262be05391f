"""A short run of `make bench SUBJECT=stale`: ours has no stale read, whatever is killed or restarted."""

import os

import pytest

from bench.stale import MARK_SECONDS, SIZES, driven

SHORT = {"reads": 2_000, "sessions": 8, "seconds": 9, "restart": 4}


@pytest.mark.usefixtures("empty_database")
def test_no_read_is_stale_after_the_response_or_the_end_of_a_killed_writers_mark() -> None:
    bounds, mark_seconds = (SIZES["small"], MARK_SECONDS) if os.environ.get("TORTURE") else (SHORT, 2)
    counts = driven("ours", mark_seconds=mark_seconds, **bounds)
    assert counts["reads"] >= bounds["reads"]
    # On a busy machine memcached may not reply to a mark in time.
    assert counts["kills"] >= 2
    assert counts["kills"] > 4 * counts["kills_without_mark"]
    assert counts["restarts"] >= 1
    assert (counts["after_response"], counts["while_marked"], counts["after_kill"]) == (0, 0, 0), counts
