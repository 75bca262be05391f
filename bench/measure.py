"""Measuring: rivals take turns, round by round."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

type Call = Callable[[], object]


@dataclass
class Figure:
    """What one rival took, in milliseconds a call: the median call of each round."""

    rounds: list[float] = field(default_factory=list)
    calls: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The best and the worst round."""
        return min(self.rounds), max(self.rounds)

    def as_json(self) -> dict[str, object]:
        return {
            "median_ms": round(self.median, 4),
            "best_ms": round(self.spread[0], 4),
            "worst_ms": round(self.spread[1], 4),
            "calls_a_round": self.calls,
            "rounds_ms": [round(value, 4) for value in self.rounds],
        }


def interleaved(
    rivals: Mapping[str, Call], *, rounds: int = 7, seconds_a_turn: float = 0.1, most_calls: int = 100
) -> dict[str, Figure]:
    """Times the rivals in turn. In each round each makes as many calls as fit its turn, three at least.

    The order changes from round to round, so that nobody always comes after the same one. Returns each
    rival's figure, by name.
    """
    figures = {name: Figure() for name in rivals}
    for name, call in rivals.items():
        call()  # fills caches, makes plans
        started = time.perf_counter()
        call()
        took = time.perf_counter() - started
        figures[name].calls = max(3, min(most_calls, int(seconds_a_turn / took)))
    names = list(rivals)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            figures[name].rounds.append(_median_call(rivals[name], figures[name].calls))
    return figures


def _median_call(call: Call, calls: int) -> float:
    took = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def ratio(one: Figure, other: Figure) -> float:
    """How many times ``other`` ``one`` took: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(one.rounds, other.rounds, strict=True))
