"""The two ways to read and write a session and a user: ours, and Django's."""

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol

from django.contrib.sessions.backends.cached_db import SessionStore as CachedDbStore
from django.core.cache import caches
from django.db import transaction

from apps import lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.invalidation import invalidate
from apps.lookaside.marks import NO_MARKS, Marks

TTL = 300


class Way(Protocol):
    """Rows are sessions (``keys``) and users (``ids``), by turns: row 2n is the session of user n."""

    def read(self, row: int) -> int:
        """The version that a request would see; -1 for a row that is missing."""

    def write(self, row: int, version: int) -> None: ...

    def die_after_commits(self, note: Callable[[], None]) -> None:
        """From now on this process is killed where a write has committed, and is to invalidate.

        It calls ``note`` just before, unless the way has marks and none stands.
        """


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

    def die_after_commits(self, note: Callable[[], None]) -> None:
        def die_instead(keys: Iterable[str], *, marks: Marks = NO_MARKS, **_: object) -> list[str]:
            if len(marks.numbers) == len(set(keys)):
                note()
            die()

        lookaside.cache().invalidate = die_instead  # type: ignore[method-assign]


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

    def die_after_commits(self, note: Callable[[], None]) -> None:
        def die_instead(*_: object, **__: object) -> NoReturn:
            note()
            die()

        caches["rival"].set = die_instead  # type: ignore[method-assign]
        caches["rival"].delete = die_instead  # type: ignore[method-assign]


def write_session(session: Any, version: int) -> None:
    # Not loaded: that would fill the cache.
    session._session_cache = {"version": version}
    session.save()


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


WAYS: dict[str, type[Ours] | type[Django]] = {"ours": Ours, "django": Django}
