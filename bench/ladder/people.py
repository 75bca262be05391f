"""Members of the community with sessions, for each kind of session that the configurations have."""

import random
from dataclasses import dataclass
from datetime import timedelta

from bench.ladder.configurations import ACCOUNTS, CACHED_USERS
from bench.lib.sessions import CSRF, FOLLOWEES, SEED

# So many that none of them reaches a limit of writing: 30 kwips each in ten minutes.
MEMBERS = 3_000


@dataclass(frozen=True, slots=True)
class Person:
    """A member, and for each authentication backend the cookies of a browser that is signed in."""

    id: int
    username: str
    cookies: dict[str, str]


def members() -> list[Person]:
    """Members who follow some people, the same in each run."""
    from apps.accounts.models import User

    people = User.objects.filter(
        following_count__gte=FOLLOWEES.start, following_count__lt=FOLLOWEES.stop, is_active=True
    )
    return sign_in(random.Random(SEED).sample(list(people.order_by("pk")), MEMBERS))


def viewers() -> dict[str, Person]:
    """Those whose network is measured, by name ("100 active")."""
    from apps.accounts.models import User
    from bench.lib.community import viewers

    names = {user_id: f"{number} {kind}" for (number, kind), user_id in viewers().items()}
    found = sign_in(User.objects.filter(pk__in=names).order_by("pk"))
    return {names[person.id]: person for person in found}


def sign_in(users) -> list[Person]:  # type: ignore[no-untyped-def]
    """Every session engine of the ladder reads rows of Django's: sessions differ by their backend alone."""
    from allauth.usersessions.models import UserSession
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.base import VALID_KEY_CHARS
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone
    from django.utils.crypto import get_random_string

    store, until = SessionStore(), timezone.now() + timedelta(days=1)
    rows, lines, people = [], [], []
    for user in users:
        cookies = {}
        for backend in (ACCOUNTS, CACHED_USERS):
            data = {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: backend,
                HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
            key = get_random_string(32, VALID_KEY_CHARS)
            rows.append(Session(session_key=key, session_data=store.encode(data), expire_date=until))
            lines.append(UserSession(user=user, session_key=key, ip="127.0.0.1"))
            cookies[backend] = f"sessionid={key}; csrftoken={CSRF}"
        people.append(Person(user.pk, user.username, cookies))
    Session.objects.bulk_create(rows)
    UserSession.objects.bulk_create(lines)
    return people
