"""nginx serves no text longer than it may cache it after the response to what withholds it."""

import time
from pathlib import Path

import pytest

from tests.privacy.addresses import addresses, patterns
from tests.privacy.table import TABLE, nothing
from tests.privacy.test_matrix import expected, found
from tests.privacy.world import ANONYMOUS, STATES, built
from tests.support.edge import edge
from tests.support.http import request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

EDGE_SECONDS = 2.5  # nginx may cache a page for a second, and counts whole ones


# The other states do what one of these does; `test_under_load` has them at the edge, too.
@pytest.mark.parametrize("state", ["private", "limited", "deleted", "held"])
def test_the_edge_serves_what_the_table_says(state: str, memcached: str, tmp_path: Path) -> None:
    world = built()
    asked = [
        address
        for pattern in patterns()
        if TABLE[pattern] is not nothing
        for address in addresses(pattern, world)
    ]
    with (
        served(memcached=memcached, patient=True) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        for address in asked:
            request(nginx.port, address.path)
        STATES[state](world)
        time.sleep(EDGE_SECONDS)
        wrong = [
            f"{address.path}: {sorted(shown)}"
            for address in asked
            if (shown := found(request(nginx.port, address.path).text)) != expected(ANONYMOUS, state, address)
        ]
    assert wrong == []
