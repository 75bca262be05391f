"""Timing: rivals take turns, round by round, and are compared within each round."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

type Call = Callable[[], object]


@dataclass
class Timing:
    """Milliseconds a call of one rival: the median call of each round."""

    rounds: list[float] = field(default_factory=list)
    calls: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, object]:
        return {
            "median_ms": round(self.median, 4),
            "lowest_ms": round(min(self.rounds), 4),
            "highest_ms": round(max(self.rounds), 4),
            "calls_a_round": self.calls,
            "rounds_ms": [round(value, 4) for value in self.rounds],
        }


@dataclass(frozen=True)
class Ratio:
    """One rival beside another: the ratio of each round, their median, the lowest and the highest."""

    rounds: tuple[float, ...]

    @property
    def value(self) -> float:
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, float | int]:
        return {
            "value": round(self.value, 3),
            "lowest": round(min(self.rounds), 3),
            "highest": round(max(self.rounds), 3),
            "rounds": len(self.rounds),
        }


def times_as_fast(one: Timing, other: Timing) -> Ratio:
    """How many times as fast ``one`` is as ``other``. Above 1, ``one`` is the faster."""
    return Ratio(tuple(b / a for a, b in zip(one.rounds, other.rounds, strict=True)))


def times_as_long(one: Timing, other: Timing) -> Ratio:
    """How many times as long ``one`` takes as ``other``. Above 1, ``one`` is the slower."""
    return times_as_fast(other, one)


def rotated[T](rivals: Sequence[T], number: int) -> list[T]:
    """The order of the rivals in round ``number``: a different rival begins each round."""
    shift = number % len(rivals)
    return [*rivals[shift:], *rivals[:shift]]


def interleaved(
    rivals: Mapping[str, Call], *, rounds: int = 7, seconds_a_turn: float = 0.1, most_calls: int = 100
) -> dict[str, Timing]:
    """Times the rivals in turns. In each round a rival makes the calls that fit its turn, at least three."""
    timings = {name: Timing() for name in rivals}
    for name, call in rivals.items():
        call()  # fills caches and prepares plans
        started = time.perf_counter()
        call()
        took = time.perf_counter() - started
        timings[name].calls = max(3, min(most_calls, int(seconds_a_turn / took)))
    for number in range(rounds):
        for name in rotated(list(rivals), number):
            timings[name].rounds.append(_median_call(rivals[name], timings[name].calls))
    return timings


def _median_call(call: Call, calls: int) -> float:
    took = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)
