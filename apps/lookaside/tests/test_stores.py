"""memcached, the store in this process and the explorer's model of memcached treat leases alike."""

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
    """The explorer's model as a store whose fills arrive without delay."""

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
    """The answers of a store to the steps. Fills and releases use any earlier lease, valid or not."""
    leases: list[Lease] = []
    answers: list[object] = []
    for index, (name, which) in enumerate(steps):
        if name in {"fetch", "delete"}:
            answer = perform(name, KEY)
            if isinstance(answer, Answer):
                answers.append((answer.entry, answer.lease is not None))
                leases += [answer.lease] if answer.lease else []
        elif leases:
            lease = leases[which % len(leases)]
            fill = Fill(lease, Entry(2, b"value %d" % index), 60)
            perform(name, fill if name == "fill" else lease)
    return [*answers, (perform("fetch", KEY)).entry]


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


def test_a_server_added_to_the_ring_takes_some_keys_and_moves_no_other() -> None:
    keys = [b"key %d" % number for number in range(1000)]

    def shares(*addresses: str) -> dict[bytes, str]:
        batches = MemcachedStore(addresses, Options())._batches(keys)
        return {key: server.address for server, batch in batches for key in batch}

    before, after = shares("one:1", "two:1"), shares("one:1", "two:1", "three:1")
    moved = {key for key in keys if before[key] != after[key]}
    assert {after[key] for key in moved} == {"three:1"}
    assert 250 < len(moved) < 420
