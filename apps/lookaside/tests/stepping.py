"""The steps of a program over a real store."""

from collections.abc import Callable
from typing import Any

from apps.lookaside.marks_in_memcached import Wire
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.stores import Answer, Store
from apps.lookaside.tests.model import Step


def perform_on(store: Store, key: bytes) -> Callable[[Step], Any]:
    """Performs steps on ``key`` of the store."""

    def perform(step: Step) -> Any:
        match step.name:
            case "fetch":
                return store.fetch([key]).get(key)
            case "peek":
                return store.fetch([], [key]).get(key, Answer(None, None))
            case "delete":
                assert store.delete([key]) == []
            case "append" | "create" | "look" | "remove":
                return marking_step(store, step)
            case name:
                getattr(store, name)(step.arguments)
        return None

    return perform


def marking_step(store: Store, step: Step) -> Any:
    """A command of marks, each in a round trip of its own."""
    assert isinstance(store, MemcachedStore)
    key = step.arguments[0]
    [(at, _)] = store._batches([key])
    match step.name:
        case "append" | "create":
            mode, record = b"MA" if step.name == "append" else b"ME T30", step.arguments[1]
            at.exchange(b"ms %s %d %s\r\n%s\r\n" % (key, len(record), mode, record), 1)
            return None
        case "look":
            return Wire(at).look([key]).get(key)
        case _:
            [is_done] = Wire(at).remove([step.arguments[1]])
            return is_done
