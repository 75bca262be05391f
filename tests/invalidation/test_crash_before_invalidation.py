"""A writer is killed between its COMMIT and its commit hooks: its marks keep entries from being read."""

import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client

from apps import lookaside, pagecache
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

LONGEST = 300
_KILLED = """
import os, signal
import django
django.setup()
from apps import lookaside
from django.db import transaction
lookaside.cache().stored_value("a request has read its session")
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
lookaside.cache().invalidate = die
with transaction.atomic():
    {write}
"""


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.org")


def killed(write: str, memcached: str, *, mark_seconds: int) -> None:
    """Runs ``write`` in a transaction of another process, which is killed after its COMMIT."""
    environment = os.environ | {
        "DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "MEMCACHED_SERVERS": memcached,
        "MARK_SECONDS": str(mark_seconds),
    }
    command = [sys.executable, "-c", _KILLED.format(write=write)]
    died = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=False)
    assert died.returncode == -9


def later(seconds: float) -> AbstractContextManager[object]:
    return mock.patch("apps.lookaside.values.time.time", return_value=time.time() + seconds)


PERSON = "from apps.accounts.models import User; u = User.objects.get(pk={pk}); "
SUSPEND = PERSON + "u.is_active = False; u.save()"
SIGN_OUT = "from apps.accounts.sessions import SessionStore; SessionStore({key!r}).delete()"


def stored(key: str) -> bool:
    return lookaside.cache().entry(key) is not None


def test_a_change_of_a_person_is_seen_at_once_and_cached_again_once_the_mark_has_ended(
    ann: User, memcached: str
) -> None:
    backend = CachedUserBackend()
    assert backend.get_user(ann.pk) is not None
    assert stored(user_key(ann.pk))
    killed(SUSPEND.format(pk=ann.pk), memcached, mark_seconds=2)
    for _ in range(3):
        assert backend.get_user(ann.pk) is None
        assert not stored(user_key(ann.pk)), "while the mark stands nothing is stored"
    time.sleep(3)
    assert backend.get_user(ann.pk) is None
    assert stored(user_key(ann.pk))


def test_a_session_that_ended_is_over_at_once(ann: User, memcached: str) -> None:
    client = Client()
    client.force_login(ann)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert SessionStore(key)[SESSION_KEY] == str(ann.pk)
    killed(SIGN_OUT.format(key=key), memcached, mark_seconds=30)
    assert SESSION_KEY not in SessionStore(key)
    assert not stored(session_key(key))


def test_a_page_is_not_stored_while_a_killed_writers_mark_stands(ann: User, memcached: str) -> None:
    application = pagecache.wrapped(WSGIHandler())

    def state() -> str:
        return dict(response_of(application, warming_request("/ann/")).headers)["Cache-Status"]

    assert [state(), state()] == ["pagecache; fwd=miss", "pagecache; hit"]
    killed((PERSON + "u.bio = 'new'; u.save()").format(pk=ann.pk), memcached, mark_seconds=2)
    answer = response_of(application, warming_request("/ann/"))
    assert b"new" in answer.body
    assert [state(), state()] == ["pagecache; fwd=miss"] * 2
    time.sleep(3)
    assert [state(), state()] == ["pagecache; fwd=miss", "pagecache; hit"]


def test_a_change_of_a_person_is_seen_after_five_minutes_without_marks(ann: User, memcached: str) -> None:
    backend = CachedUserBackend()
    assert backend.get_user(ann.pk) is not None
    killed(SUSPEND.format(pk=ann.pk), memcached, mark_seconds=0)
    assert not User.objects.get(pk=ann.pk).is_active, "it was committed"
    assert backend.get_user(ann.pk) is not None, "it was invalidated: this test needs a stale entry"
    with later(LONGEST):
        assert backend.get_user(ann.pk) is None


def test_a_session_that_ended_is_over_after_five_minutes_without_marks(ann: User, memcached: str) -> None:
    client = Client()
    client.force_login(ann)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert SessionStore(key)[SESSION_KEY] == str(ann.pk)
    killed(SIGN_OUT.format(key=key), memcached, mark_seconds=0)
    assert not Session.objects.filter(pk=key).exists(), "it was committed"
    assert SESSION_KEY in SessionStore(key), "it was invalidated: this test needs a stale entry"
    with later(LONGEST):
        assert SESSION_KEY not in SessionStore(key)


def test_memcached_itself_forgets_them_by_then(ann: User) -> None:
    CachedUserBackend().get_user(ann.pk)
    store = lookaside.cache().store
    name = lookaside.cache()._name(f"user:{ann.pk}")
    [(at, _)] = store._batches([name])  # type: ignore[attr-defined]
    _, [reply] = at.exchange(b"mg %s t v\r\n" % name, 1)
    [left] = [int(flag[1:]) for flag in reply.flags if flag.startswith(b"t")]
    assert 0 < left <= LONGEST
