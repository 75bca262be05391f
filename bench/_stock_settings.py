"""The site on Django's own sessions and allauth's own backend, without a look-aside cache."""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES

CACHES = CACHES | {"lookaside": {"BACKEND": "apps.lookaside.backends.NoLookaside"}}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
