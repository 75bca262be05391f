"""The site without the look-aside cache: sessions and users from PostgreSQL, no cached parts of pages.

The other optimizations are on, so that the figure is the cache's alone. `make run STOCK=1` turns off all of
them.
"""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES

CACHES = CACHES | {"lookaside": {"BACKEND": "apps.lookaside.backends.NoLookaside"}}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
FRAGMENT_CACHE_BYTES = 0
CARD_NEAR_CACHE_BYTES = 0
SESSION_ENGINE = "django.contrib.sessions.backends.db"
