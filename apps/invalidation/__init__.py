"""Invalidation: which cached entries and public pages a change makes stale.

In one minute: `invalidate` deletes entries of the look-aside cache and purges pages by their surrogate keys,
once the change is committed. Each app names its own keys in ``keys.py`` and derives them from events in
``invalidation.py``. An action only says what happened.

Problem (2008)
    Kwippy cached pages for a fixed time, and showed stale ones until it expired. Where an action deleted
    entries itself, it did so before the commit: a reader filled the cache again with what was there before.

Mechanism
    ::

        kwips.actions.publish ── published ──> kwips.invalidation   kwip:7
                                         └──> feeds.invalidation   everyone, user:ann, tag:tea
        COMMIT ──> 1 delete entries ──> 2 purge surrogate keys

    - Keys of one action are collected (`apps.events.collect`): one delete, then one purge. In the other order
      a page could be rendered from a stale entry, and stay.
    - The hook runs before all other commit hooks: a subscriber after the commit reads what is new.
    - An app invalidates keys of its own and of the apps below it. No app knows the keys of those above it.

Switch
    None of its own: ``CACHES["lookaside"]`` and ``PAGECACHE``.

Invariant
    Nothing is invalidated before the commit, or after a rollback. Each action purges exactly the pages that
    show what it changed: ``tests/invalidation`` runs every action against every public page.

When it fails
    Keys that memcached did not delete are queued and replayed before the next read, and retried by a command.
    A process killed between COMMIT and hook deletes nothing: an entry lives 300 seconds at most.

How to measure
    ``pytest tests/invalidation apps/invalidation``; ``manage.py events`` prints who derives keys from what.

Read in this order: this file, ``apps/kwips/invalidation.py``, ``apps/feeds/invalidation.py``,
``apps/events/hooks.py``.
"""

from collections.abc import Iterable

from apps import lookaside, pagecache
from apps.events import Phase, collect

__all__ = ["invalidate"]


def invalidate(*, cache: Iterable[str] = (), pages: Iterable[str] = ()) -> None:
    """Deletes these entries of the look-aside cache and purges these surrogate keys, after the commit."""
    collect(_delete_entries, cache, phase=Phase.CACHES)
    collect(pagecache.purge, pages, phase=Phase.PAGES)


def _delete_entries(keys: list[str]) -> None:
    lookaside.cache().invalidate(keys)
