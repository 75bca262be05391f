"""Each action against the kept first pages of networks: they show what the two plans show."""

from contextlib import nullcontext

import pytest

from apps.feeds.tests.kept_network import KEPT, Network
from tests.invalidation.action_table import ROWS, Row
from tests.invalidation.scenario import make_scenario
from tests.support.concurrency import at_once, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_kept_first_page_shows_what_the_plans_show_before_and_after_an_action(row: Row) -> None:
    scenario = make_scenario()
    row.first(scenario)
    networks = [Network(person) for person in scenario.people]

    def read() -> list[list[int]]:
        return [network.ids() for network in networks]  # compares with the plans

    for _ in range(2):
        before = read()
    # An empty page is tried, and read anew.
    assert all(network.files >= KEPT for network in networks)
    with nullcontext() if row.durable else uncommitted():
        row.run(scenario)
        # Readers before the commit may keep the page anew.
        assert at_once([read]) == [before]
    assert read() == read()
