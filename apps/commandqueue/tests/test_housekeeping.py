"""How often the chores of a worker run."""

import math
import threading
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError

from apps.commandqueue.core import store
from apps.commandqueue.core.housekeeping import LONGEST_PAUSE, Housekeeper, pause_after
from apps.commandqueue.tests.conftest import OPTIONS, wait_for


def test_a_chore_takes_its_share_of_the_time() -> None:
    assert pause_after(0.001, ok=True, every=0.5, longest=10) == 0.5
    assert pause_after(0.1, ok=True, every=0.5, longest=10) == pytest.approx(2)
    assert pause_after(20, ok=True, every=60, longest=math.inf) == pytest.approx(400)


def test_leases_are_taken_back_soon_after_a_slow_chore_or_an_outage() -> None:
    assert pause_after(20, ok=True, every=0.5, longest=LONGEST_PAUSE) == LONGEST_PAUSE
    assert pause_after(20, ok=False, every=0.5, longest=LONGEST_PAUSE) == 1


@pytest.mark.django_db(transaction=True)
def test_a_chore_that_failed_late_is_tried_again_soon() -> None:
    stopping = threading.Event()
    housekeeper = Housekeeper(OPTIONS, stopping)
    tries: list[int] = []

    def fail_late(**options: Any) -> list[tuple[int, bool]]:
        tries.append(1)
        if len(tries) == 1:
            stopping.wait(1)  # its share would make a pause of twenty seconds
            raise OperationalError("the connection timed out")
        return []

    with mock.patch.object(store, "reap", fail_late):
        housekeeper.start()
        try:
            wait_for(lambda: len(tries) == 2, seconds=9)
        finally:
            stopping.set()
            housekeeper.join(30)
