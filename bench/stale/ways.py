"""The two ways to read and write a session and a user: ours, and Django's."""

import os
import signal
from typing import Any, Protocol

from django.contrib.sessions.backends.cached_db import SessionStore as CachedDbStore
from django.core.cache import caches
from django.db import transaction

from apps import lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.invalidation import invalidate

TTL = 300


class Way(Protocol):
    """Rows are sessions (``keys``) and users (``ids``), by turns: row 2n is the session of user n."""

    def read(self, row: int) -> int:
        """The version that a request would see; -1 for a row that is missing."""

    def write(self, row: int, version: int) -> None: ...

    def die_after_commits(self) -> None:
        """From now on this process is killed where a write has committed, and is to invalidate."""


class Ours:
    def __init__(self, keys: list[str], ids: list[int]) -> None:
        self.keys, self.ids = keys, ids

    def read(self, row: int) -> int:
        if row % 2 == 0:
            return int(SessionStore(self.keys[row // 2]).get("version", -1))
        user = CachedUserBackend().get_user(self.ids[row // 2])
        return int(user.bio) if user is not None else -1

    def write(self, row: int, version: int) -> None:
        if row % 2 == 0:
            write_session(SessionStore(self.keys[row // 2]), version)
            return
        with transaction.atomic():
            User.objects.filter(pk=self.ids[row // 2]).update(bio=str(version))
            invalidate(cache=[user_key(self.ids[row // 2])])

    def die_after_commits(self) -> None:
        lookaside.cache().invalidate = die  # type: ignore[assignment,method-assign]


class Django:
    """`cached_db` sessions; and users by get, read, set, as any tutorial has it."""

    def __init__(self, keys: list[str], ids: list[int]) -> None:
        self.keys, self.ids = keys, ids

    def read(self, row: int) -> int:
        if row % 2 == 0:
            return int(CachedDbStore(self.keys[row // 2]).get("version", -1))
        key = f"rival:{self.ids[row // 2]}"
        found = caches["rival"].get(key)
        if found is None:
            found = User.objects.values_list("bio", flat=True).get(pk=self.ids[row // 2])
            caches["rival"].set(key, found, TTL)
        return int(found)

    def write(self, row: int, version: int) -> None:
        if row % 2 == 0:
            write_session(CachedDbStore(self.keys[row // 2]), version)
            return
        User.objects.filter(pk=self.ids[row // 2]).update(bio=str(version))
        caches["rival"].delete(f"rival:{self.ids[row // 2]}")

    def die_after_commits(self) -> None:
        caches["rival"].set = die  # type: ignore[method-assign]
        caches["rival"].delete = die  # type: ignore[assignment,method-assign]


def write_session(session: Any, version: int) -> None:
    # Not loaded: that would fill the cache.
    session._session_cache = {"version": version}
    session.save()


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


WAYS: dict[str, type[Ours] | type[Django]] = {"ours": Ours, "django": Django}
