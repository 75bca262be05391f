"""memcached, the store in this process and the explorer's model of memcached are the same to a lease."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options
from apps.lookaside.stores import Answer, Fill, Lease, LocalStore, Store
from apps.lookaside.tests.model import Model, Step
from apps.lookaside.values import Entry

KEY = b"stores-agree"
STEPS = st.lists(
    st.tuples(st.sampled_from(["fetch", "fill", "release", "delete"]), st.integers(0, 3)), max_size=12
)


class ModelStore:
    """The explorer's model as a store, with fills that arrive at once."""

    def __init__(self) -> None:
        self.model = Model()

    def perform(self, name: str, argument: Any) -> Any:
        self.model, answer = self.model.after(Step(name, (argument,)))
        for label, following in self.model.accidents():
            if label == "fill arrives":
                self.model = following
                break
        return answer


def trace(perform: Any, steps: Sequence[tuple[str, int]]) -> list[object]:
    """What a store says to the steps; fills and releases use an earlier lease, good or no longer."""
    leases: list[Lease] = []
    said: list[object] = []
    for index, (name, which) in enumerate(steps):
        if name in {"fetch", "delete"}:
            answer = perform(name, KEY)
            if isinstance(answer, Answer):
                said.append((answer.entry, answer.lease is not None))
                leases += [answer.lease] if answer.lease else []
        elif leases:
            lease = leases[which % len(leases)]
            fill = Fill(lease, Entry(2, b"value %d" % index), 60)
            perform(name, fill if name == "fill" else lease)
    return [*said, (perform("fetch", KEY)).entry]


def performing(store: Store) -> Any:
    def perform(name: str, argument: Any) -> Any:
        answer = getattr(store, name)([argument])
        return answer[argument] if name == "fetch" else None

    return perform


@given(steps=STEPS)
@hypothesis_settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_all_stores_give_the_same_answers(memcached: str, steps: list[tuple[str, int]]) -> None:
    expected = trace(ModelStore().perform, steps)
    assert trace(performing(LocalStore()), steps) == expected
    real = MemcachedStore([memcached], Options(timeout=5))
    real.delete([KEY])
    assert trace(performing(real), steps) == expected
