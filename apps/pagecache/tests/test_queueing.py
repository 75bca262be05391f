"""The wait of requests: which stamps count, and when a queue stands."""

import pytest

from apps.pagecache.queueing import INTERVAL, MAX_WAIT, StandingQueue, seconds_waited

NOW = 1_800_000_000.0
TARGET = 0.2


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("stamp", "waited"),
    [
        (f"t={NOW - 0.25:.3f}", 0.25),
        (f"{NOW - 0.25:.3f}", 0.25),
        (f"t={NOW}", 0.0),
        (f"t={NOW - MAX_WAIT}", MAX_WAIT),
    ],
)
def test_a_stamp_says_how_long_a_request_has_waited(stamp: str, waited: float) -> None:
    assert seconds_waited(stamp, clock=lambda: NOW) == pytest.approx(waited, abs=0.001)


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "t=",
        "soon",
        "t=t=1",
        f"t={NOW + 0.001}",
        f"t={NOW + 1e9}",
        f"t={NOW - MAX_WAIT - 1}",
        f"t={NOW - 7200}",
        f"t={NOW * 1000}",  # milliseconds
        "t=0",
        "t=-1",
        "t=nan",
        "t=inf",
        "t=-inf",
        f"t={NOW - 1}, t={NOW - 1}",
        "t=" + "9" * 5000,
    ],
)
def test_a_stamp_that_cannot_be_right_is_no_wait(stamp: str) -> None:
    assert seconds_waited(stamp, clock=lambda: NOW) is None


def fed(queue: StandingQueue, clock: Clock, waits: list[float], *, step: float) -> list[bool]:
    """Whether the queue stands, after each of these waits."""
    found = []
    for waited in waits:
        clock.now += step
        queue.add(waited)
        found.append(queue.is_standing)
    return found


def test_a_queue_stands_once_every_request_of_an_interval_has_waited() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    steps = round(INTERVAL / 0.05)
    found = fed(queue, clock, [0.3] * (steps + 5), step=0.05)
    assert found.index(True) in (steps, steps + 1)
    assert all(found[found.index(True) :])


def test_one_request_that_did_not_wait_ends_it() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    fed(queue, clock, [5.0] * 100, step=0.05)
    assert queue.is_standing
    assert fed(queue, clock, [0.1, 5.0, 5.0], step=0.05) == [False, False, False]


def test_a_burst_that_is_worked_off_is_no_standing_queue() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    burst = [0.4] * 8 + [0.05]
    assert not any(fed(queue, clock, burst * 50, step=0.05))


def test_single_late_requests_far_apart_are_no_standing_queue() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    assert not any(fed(queue, clock, [2.0] * 50, step=2.1))


def test_requests_that_wait_for_each_other_are_one_also_where_each_takes_long() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    assert fed(queue, clock, [9.0, 9.0, 9.0], step=3.0) == [False, True, True]


def test_a_wait_below_the_target_never_stands() -> None:
    clock = Clock()
    queue = StandingQueue(TARGET, clock=clock)
    assert not any(fed(queue, clock, [TARGET - 0.001] * 100, step=0.05))
