"""A writer is killed between its COMMIT and its commit hooks: stale entries expire."""

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
from django.db import connection
from django.test import Client

from apps import lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

LONGEST = 300
_KILLED = """
import os, signal
import django
django.setup()
from apps import lookaside
from django.db import transaction
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
lookaside.cache().invalidate = die
with transaction.atomic():
    {write}
"""


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.org")


def killed(write: str, memcached: str) -> None:
    """Runs ``write`` in a transaction of another process, which is killed after its COMMIT."""
    environment = os.environ | {
        "DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "MEMCACHED_SERVERS": memcached,
    }
    command = [sys.executable, "-c", _KILLED.format(write=write)]
    died = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=False)
    assert died.returncode == -9


def later(seconds: float) -> AbstractContextManager[object]:
    return mock.patch("apps.lookaside.values.time.time", return_value=time.time() + seconds)


def test_a_change_of_a_person_is_seen_after_five_minutes_at_the_latest(ann: User, memcached: str) -> None:
    backend = CachedUserBackend()
    assert backend.get_user(ann.pk) is not None
    killed(
        f"from apps.accounts.models import User; u = User.objects.get(pk={ann.pk});"
        " u.is_active = False; u.save()",
        memcached,
    )
    assert not User.objects.get(pk=ann.pk).is_active, "it was committed"
    assert backend.get_user(ann.pk) is not None, "it was invalidated: this test needs a stale entry"
    with later(LONGEST):
        assert backend.get_user(ann.pk) is None


def test_a_session_that_ended_is_over_after_five_minutes_at_the_latest(ann: User, memcached: str) -> None:
    client = Client()
    client.force_login(ann)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert SessionStore(key)[SESSION_KEY] == str(ann.pk)
    killed(f"from apps.accounts.sessions import SessionStore; SessionStore({key!r}).delete()", memcached)
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
