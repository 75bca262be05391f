"""Typed events: a lower app declares what happened, an upper app subscribes.

In one minute: an action ends with ``published.emit(Published(kwip, tags))``. Subscribers ``within`` run at
once, in the same transaction. Subscribers ``after_commit`` run once that transaction is committed.

Problem (2008)
    Kwippy's actions called everything that depends on them: publishing a kwip purged the pages of timelines.
    Each new feature added a line to each action, or an import from a lower app to a higher one.

Mechanism
    ::

        action ── emit ──> within: subscribers, in order     an exception rolls the action back
          │
        COMMIT ─────────>  1 what was collected    2 all others    an exception is logged

    - An `Event` has a name and a payload, a frozen dataclass. The app whose action emits it declares it in
      its ``events.py``. Apps above subscribe from ``AppConfig.ready()``. There are no model signals.
    - `collect` adds items to a set and runs one function on that set after the commit, before all other
      commit hooks: ten subscribers that invalidate something cost one invalidation, and subscribers after
      the commit read fresh data. It also runs a function on that set as the last act before the COMMIT.
    - Django only appends commit hooks. ``hooks.py`` inserts into ``connection.run_on_commit``; it is the one
      place that uses this private list, and gives a connection a ``commit`` of its own.
    - The rollback of a savepoint drops its hooks and its collected items, and no others.

Switch
    None. An event that has no subscriber does nothing.

Invariant
    Subscribers within the transaction run in the order of their subscription, or the transaction rolls back.
    Nothing runs after a rollback. Outside a transaction everything runs at once, in the same order.

When it fails
    An exception of a subscriber within is the action's exception. One after the commit is logged with its
    traceback, and the others still run. If a process is killed between COMMIT and its hooks, they never run:
    work that must not be lost is enqueued as a command, within the transaction.

How to measure
    ``manage.py events`` prints each event, its payload, and its subscribers in order.
    ``pytest apps/events``; one test fails if a Django release changes ``run_on_commit``.

Read in this order: ``event.py``, ``hooks.py``, ``apps/kwips/events.py``, ``apps/feeds/invalidation.py``.
"""

from apps.events.event import Event, declared
from apps.events.hooks import collect

__all__ = ["Event", "collect", "declared"]
