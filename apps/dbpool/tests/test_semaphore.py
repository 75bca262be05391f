"""The semaphore: as many as there are permits, first come first served, with a timeout."""

import threading
import time

import pytest

from apps.dbpool.semaphore import FairSemaphore


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.001)


def test_a_free_place_costs_no_waiting() -> None:
    semaphore = FairSemaphore(2)
    assert semaphore.acquire(0) == 0
    assert semaphore.acquire(0) == 0
    assert (semaphore.in_use, semaphore.waits) == (2, 0)


def test_nobody_waits_beyond_the_limit() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    with pytest.raises(TimeoutError):
        semaphore.acquire(0.05)
    assert (semaphore.in_use, semaphore.waiting, semaphore.waits, semaphore.timeouts) == (1, 0, 1, 1)
    assert semaphore.waited >= 0.05
    semaphore.release()
    assert semaphore.acquire(0) == 0


def test_permits_go_to_those_who_came_first() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    order = []

    def come(number: int) -> None:
        semaphore.acquire(30)
        order.append(number)
        semaphore.release()

    threads = [threading.Thread(target=come, args=[number]) for number in range(20)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        wait_until(lambda number=number: semaphore.waiting == number)
    semaphore.release()
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert (semaphore.in_use, semaphore.waiting, semaphore.acquired) == (0, 0, 21)


def test_whoever_comes_later_does_not_slip_in_before_the_queue() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    first = threading.Thread(target=semaphore.acquire, args=[30])
    first.start()
    wait_until(lambda: semaphore.waiting == 1)
    semaphore.release()
    with pytest.raises(TimeoutError):
        semaphore.acquire(0)
    first.join()
    assert semaphore.in_use == 1


def test_a_place_that_comes_in_the_last_moment_is_not_lost() -> None:
    semaphore = FairSemaphore(1)
    inside: list[int] = []
    most = []

    def come() -> None:
        for _ in range(200):
            try:
                semaphore.acquire(0.0005)
            except TimeoutError:
                continue
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            semaphore.release()

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert (semaphore.in_use, semaphore.waiting) == (0, 0)
    assert semaphore.acquired + semaphore.timeouts == 8 * 200


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

    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            semaphore.acquire(30)
    assert semaphore.waiting == 0
    semaphore.release()
    assert semaphore.acquire(0) == 0
