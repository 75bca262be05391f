"""The site on Django's own sessions and allauth's own backend, and nothing of a page kept anywhere."""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES

CACHES = CACHES | {"lookaside": {"BACKEND": "apps.lookaside.backends.NoLookaside"}}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
FRAGMENT_CACHE_SIZE = 0
SESSION_ENGINE = "django.contrib.sessions.backends.db"
