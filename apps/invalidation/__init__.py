"""Invalidation: which cached entries and public pages a change makes stale.

In one minute: `invalidate` deletes entries of the look-aside cache and purges pages by their surrogate keys,
once the change is committed. Each app names its own keys in ``keys.py`` and derives them from events in
``invalidation.py``. An action only says what happened.

Problem (2008)
    Kwippy cached pages for a fixed TTL; visitors saw stale pages until it expired. An action that deleted
    entries did so before its commit, so a concurrent reader could cache the old value again.

Mechanism
    ::

        kwips.actions.publish ── published ──> kwips.invalidation   kwip:7
                                         └──> feeds.invalidation   everyone, user:ann, tag:tea
        (mark them) ──> COMMIT ──> delete entries, then generations of surrogate keys

    - Keys of one action are collected (`apps.events.collect`) and sent in one message: first the entries,
      then the generations of the pages. In the other order, a purged page could be rendered again from a
      stale entry.
    - With MARK_SECONDS, the last act before the COMMIT marks the same keys
      (`apps/lookaside/marks.py`): until the hook, or so long, readers compute and store nothing. A write is
      in a transaction therefore.
    - The hook runs before all other commit hooks, so that subscribers after the commit read fresh data.
    - An app invalidates its own keys and those of lower apps. It never knows the keys of higher apps.

Switch
    MARK_SECONDS (30; 0: off); ``CACHES["lookaside"]`` and ``PAGECACHE``.

Invariant
    Nothing is invalidated before the commit, or after a rollback. What was marked is not cached before its
    transaction has ended, as long as the COMMIT itself takes less than the rest of the mark: MARK_SECONDS are
    at least 6 more than a transaction may be idle (a system check), and nothing limits a COMMIT. Each action
    purges exactly the pages that show what it changed: ``tests/invalidation`` runs every action against every
    public page.

When it fails
    Deletes that memcached did not confirm are replayed before the next read, and retried by a command. If a
    process is killed between COMMIT and hook, stale entries live at most 300 seconds; with marks, none is
    read, and its keys are not cached for MARK_SECONDS. *The mark was lost, too* (memcached was down, or
    restarted or evicted it in that moment, or the thread had not used it before): as without marks. *A
    constraint refuses the COMMIT*: the marks go. *PostgreSQL fails in a COMMIT*: they stay until they
    end. *A key is marked*: each process renders its pages for one request at a time, and others share that.

How to measure
    ``pytest tests/invalidation apps/invalidation``; ``manage.py events`` prints the subscribers.

Read in this order: this file, ``apps/kwips/invalidation.py``, ``apps/feeds/invalidation.py``,
``apps/events/hooks.py``.
"""

from collections.abc import Iterable

from apps import lookaside, pagecache
from apps.events import collect

__all__ = ["invalidate"]

_ENTRY, _PAGES = 1, 2


def invalidate(*, cache: Iterable[str] = (), pages: Iterable[str] = ()) -> None:
    """Deletes these entries of the look-aside cache and purges these surrogate keys, after the commit."""
    items = [*((_ENTRY, key) for key in cache), *((_PAGES, key) for key in pages)]
    collect(_invalidate_now, items, before=_mark if lookaside.cache().mark_seconds else None)


def _mark(items: list[tuple[int, str]]) -> lookaside.Marks:
    """The last act before the COMMIT. A page cache apart from the look-aside cache has no marks."""
    entries, pages = _by_kind(items)
    if pagecache.cache() is lookaside.cache():
        entries += map(pagecache.generation_key, pages)
    return lookaside.cache().mark(entries)


def _invalidate_now(items: list[tuple[int, str]], marks: lookaside.Marks = lookaside.NO_MARKS) -> None:
    entries, pages = _by_kind(items)
    cache = lookaside.cache()
    if pagecache.cache() is cache:
        cache.invalidate(entries, then=map(pagecache.generation_key, pages), marks=marks)
        pagecache.forget_reused()
    else:
        cache.invalidate(entries, marks=marks)
        pagecache.purge(pages)


def _by_kind(items: list[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """The keys of entries, and the surrogate keys of pages."""
    return [key for kind, key in items if kind == _ENTRY], [key for kind, key in items if kind == _PAGES]
