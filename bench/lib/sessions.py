"""Sessions of many members, made by the site's own session engine: the members that a load signs in.

A program that also runs in the checkout of another commit and under other settings: it imports the site
alone. It prints one line of JSON for each member.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SEED = 2008
# Members whose network fills pages.
FOLLOWEES = range(20, 500)
CSRF = "x" * 32


@dataclass(frozen=True)
class Member:
    id: int
    username: str
    session: str

    @property
    def cookie(self) -> str:
        return f"sessionid={self.session}; csrftoken={CSRF}"


def members(
    count: int, *, root: Path, python: str = sys.executable, variables: Mapping[str, str] | None = None
) -> list[Member]:
    """Signs in ``count`` members, the same for each checkout ``root`` and settings."""
    printed = subprocess.run(
        # Without -P this folder would be searched first, and its http.py found for the standard library's.
        [python, "-P", __file__, str(count)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)} | dict(variables or {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [Member(**json.loads(line)) for line in printed.splitlines() if line.startswith("{")]


def sign_in(count: int) -> None:
    import django

    django.setup()
    from django.contrib.auth import get_user_model

    people = get_user_model()._default_manager.filter(
        following_count__gte=FOLLOWEES.start, following_count__lt=FOLLOWEES.stop, is_active=True
    )
    for user in random.Random(SEED).sample(list(people.order_by("pk")), count):
        print(json.dumps({"id": user.pk, "username": user.username, "session": session_of(user)}))


def session_of(user: "AbstractBaseUser") -> str:
    """The key of a new session of the user, which is in the list of their sessions."""
    from allauth.usersessions.models import UserSession
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    UserSession.objects.create(user=user, session_key=session.session_key, ip="127.0.0.1")
    return str(session.session_key)


if __name__ == "__main__":
    sign_in(int(sys.argv[1]))
