"""Budgets of a page: its queries and round trips, as `Server-Timing` reports them."""

import re
from typing import Any


def cost(response: Any) -> dict[str, int]:
    """The queries, round trips, hits and misses of a member's page.

    ``response`` is a response or its headers.
    """
    timing = response["Server-Timing"]
    return {
        name: int(number) for number, name in re.findall(r"(\d+) (queries|round trips|hits|misses)", timing)
    }


def within(response: Any, *, queries: int, round_trips: int) -> None:
    """Fails if the page took more."""
    took = cost(response)
    assert took["queries"] <= queries, took
    assert took["round trips"] <= round_trips, took
