"""The site on Django's own sessions and allauth's own backend, with no part of a page cached."""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES

CACHES = CACHES | {"lookaside": {"BACKEND": "apps.lookaside.backends.NoLookaside"}}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
FIXED_PARTS_KEPT = 0
SESSION_ENGINE = "django.contrib.sessions.backends.db"
