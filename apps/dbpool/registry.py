"""The pools of this process: one for each alias, created at first use."""

import atexit
import os
import threading
from collections.abc import Mapping
from typing import Any

from apps.dbpool.options import Options
from apps.dbpool.pool import Pool, PoolStats, dbutils_lock

_pools: dict[str, Pool] = {}
_lock = threading.Lock()


def pool(alias: str, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Pool:
    """The alias's pool for these connection parameters and ``POOL`` options.

    A pool that was created for others is closed and replaced. Raises ImproperlyConfigured.
    """
    key = (dict(params), dict(settings))
    found = _pools.get(alias)
    if found is not None and found.key == key:
        return found
    with _lock:
        outdated = _pools.get(alias)
        if outdated is not None and outdated.key == key:
            return outdated
        made = _pools[alias] = Pool(key, Options.read(settings))
    if outdated is not None:
        outdated.close()
    return made


def close(alias: str) -> None:
    """Close the alias's pool, if there is one. The next checkout creates another."""
    with _lock:
        found = _pools.pop(alias, None)
    if found is not None:
        found.close()


def close_all() -> None:
    """Close all pools, at the end of the process."""
    for alias in list(_pools):
        close(alias)


def stats() -> dict[str, PoolStats]:
    """The stats of each pool of this process, by alias."""
    return {alias: found.stats() for alias, found in list(_pools.items())}


def _before_fork() -> None:
    _lock.acquire()
    dbutils_lock.acquire()


def _after_fork() -> None:
    dbutils_lock.release()
    _lock.release()


def _in_child() -> None:
    """The child starts without pools. psycopg2 does not close connections of another process."""
    _after_fork()
    _pools.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
atexit.register(close_all)
