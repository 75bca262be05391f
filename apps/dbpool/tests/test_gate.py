"""The gate: as many as there are places, in the order in which they came, and not for ever."""

import threading
import time

import pytest

from apps.dbpool.gate import Gate


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.001)


def test_a_free_place_costs_no_waiting() -> None:
    gate = Gate(2)
    assert gate.enter(0) == 0
    assert gate.enter(0) == 0
    assert (gate.inside, gate.waits) == (2, 0)


def test_nobody_waits_beyond_the_limit() -> None:
    gate = Gate(1)
    gate.enter(0)
    with pytest.raises(TimeoutError):
        gate.enter(0.05)
    assert (gate.inside, gate.waiting, gate.waits, gate.refused) == (1, 0, 1, 1)
    assert gate.waited >= 0.05
    gate.leave()
    assert gate.enter(0) == 0


def test_places_go_to_those_who_came_first() -> None:
    gate = Gate(1)
    gate.enter(0)
    order = []

    def come(number: int) -> None:
        gate.enter(30)
        order.append(number)
        gate.leave()

    threads = [threading.Thread(target=come, args=[number]) for number in range(20)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        wait_until(lambda number=number: gate.waiting == number)
    gate.leave()
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert (gate.inside, gate.waiting, gate.entered) == (0, 0, 21)


def test_whoever_comes_later_does_not_slip_in_before_the_queue() -> None:
    gate = Gate(1)
    gate.enter(0)
    first = threading.Thread(target=gate.enter, args=[30])
    first.start()
    wait_until(lambda: gate.waiting == 1)
    gate.leave()
    with pytest.raises(TimeoutError):
        gate.enter(0)
    first.join()
    assert gate.inside == 1


def test_a_place_that_comes_in_the_last_moment_is_not_lost() -> None:
    gate = Gate(1)
    inside: list[int] = []
    most = []

    def come() -> None:
        for _ in range(200):
            try:
                gate.enter(0.0005)
            except TimeoutError:
                continue
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            gate.leave()

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert (gate.inside, gate.waiting) == (0, 0)
    assert gate.entered + gate.refused == 8 * 200


def test_an_interrupted_wait_leaves_no_trace(monkeypatch) -> None:
    class Interrupted:
        """A turn whose waiting ends with Ctrl-C."""

        def __init__(self) -> None:
            self.taken = False

        def acquire(self, timeout: float | None = None) -> None:
            if self.taken:
                raise KeyboardInterrupt
            self.taken = True

        def release(self) -> None:
            pass

    gate = Gate(1)
    gate.enter(0)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            gate.enter(30)
    assert gate.waiting == 0
    gate.leave()
    assert gate.enter(0) == 0
