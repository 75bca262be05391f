"""Declaring an event, subscribing to it and emitting it."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from django.db import transaction

# Every event of the process, in the order of declaration.
declared: list["Event[Any]"] = []


class Event[T]:
    """An event with a payload of type ``T``, a frozen dataclass."""

    def __init__(self, name: str, payload: type[T]) -> None:
        self.name = name
        self.payload = payload
        self.subscribers_within: list[Callable[[T], object]] = []
        self.subscribers_after_commit: list[Callable[[T], object]] = []
        declared.append(self)

    def __str__(self) -> str:
        typed = ", ".join(f"{field.name}: {_type_name(field.type)}" for field in fields(self.payload))  # type: ignore[arg-type]
        return f"{self.name}({typed})"

    def within[F: Callable[..., object]](self, subscriber: F) -> F:
        """Calls ``subscriber`` with each payload, inside the transaction. Usable as a decorator."""
        self.subscribers_within.append(subscriber)
        return subscriber

    def after_commit[F: Callable[..., object]](self, subscriber: F) -> F:
        """Calls ``subscriber`` with each payload, after the commit. Usable as a decorator."""
        self.subscribers_after_commit.append(subscriber)
        return subscriber

    def emit(self, payload: T) -> None:
        """Calls the subscribers within, and registers the others for the commit."""
        # No savepoint: an exception of a subscriber marks the whole transaction for rollback.
        with transaction.atomic(savepoint=False):
            for subscriber in self.subscribers_within:
                subscriber(payload)
            for subscriber in self.subscribers_after_commit:
                transaction.on_commit(_call(subscriber, payload), robust=True)


def name_of(subscriber: Callable[..., object]) -> str:
    return f"{subscriber.__module__}.{subscriber.__qualname__}"


def _call[T](subscriber: Callable[[T], object], payload: T) -> Callable[[], object]:
    def call() -> object:
        return subscriber(payload)

    call.__qualname__ = name_of(subscriber)  # Django logs this name if the subscriber raises
    return call


def _type_name(annotation: object) -> str:
    """The type's name without its modules."""
    return re.sub(r"(?:\w+\.)+", "", str(annotation)).removeprefix("<class '").removesuffix("'>")
