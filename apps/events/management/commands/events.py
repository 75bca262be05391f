"""Prints every event, its payload, and its subscribers in the order in which they run."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from apps.events.event import declared, name_of


class Command(BaseCommand):
    help = "Prints every event, its payload, and its subscribers in the order in which they run."

    def handle(self, *args: Any, **options: Any) -> None:
        module = ""
        for event in sorted(declared, key=lambda event: event.payload.__module__):
            if event.payload.__module__ != module:
                module = event.payload.__module__
                self.stdout.write(f"\n{module}" if module else module)
            self.stdout.write(f"  {event}")
            self._list("within the transaction", event.subscribers_within)
            self._list("after the commit", event.subscribers_after_commit)
        self.stdout.write(
            "\nAfter a commit: 1 cached entries, 2 pages, 3 all others, in the order of registration."
        )

    def _list(self, phase: str, subscribers: list[Callable[..., object]]) -> None:
        for number, subscriber in enumerate(subscribers, start=1):
            self.stdout.write(f"    {phase:<24}{number}. {name_of(subscriber)}")
