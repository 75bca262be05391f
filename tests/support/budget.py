"""What a page may cost, held to what it says of itself in `Server-Timing`."""

import re
from typing import Any


def cost(response: Any) -> dict[str, int]:
    """What a member's page says that it took: queries, round trips, hits, misses.

    ``response`` is a response or its headers.
    """
    told = response["Server-Timing"]
    return {
        name: int(number) for number, name in re.findall(r"(\d+) (queries|round trips|hits|misses)", told)
    }


def within(response: Any, *, queries: int, round_trips: int) -> None:
    """Fails where the page took more than that."""
    took = cost(response)
    assert took["queries"] <= queries, took
    assert took["round trips"] <= round_trips, took
