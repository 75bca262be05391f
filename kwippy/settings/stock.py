"""Stock Django: the same site with all five optimizations off.

`make run STOCK=1`, or DJANGO_SETTINGS_MODULE=kwippy.settings.stock. `optimizations.py` replaces the
values of the second half. Keyset pages and the .sql files of the timelines are code and stay as they are. No
recurring task runs here. Members sign in again after a switch, since a session names its backend.
"""

from typing import Any

from kwippy.settings import base
from kwippy.settings.accounts import *  # noqa: F403
from kwippy.settings.base import *  # noqa: F403
from kwippy.settings.base import DATABASE
from kwippy.settings.mail import *  # noqa: F403
from kwippy.settings.mail import DIRECT_MAILER
from kwippy.settings.observability import *  # noqa: F403
from kwippy.settings.security import *  # noqa: F403

# 1. Caching: none. Django renders every page and every kwip; sessions and users come from PostgreSQL.
PAGECACHE: dict[str, Any] | None = None
SHEDDING: dict[str, Any] | None = None
CACHES: dict[str, dict[str, Any]] = {
    # allauth's rate limits, not an optimization. In PostgreSQL they hold while memcached is down.
    "default": {"BACKEND": "apps.limits.cache.LimitsCache", "LOCATION": "limits_cache"},
    "lookaside": {"BACKEND": "apps.lookaside.backends.NoLookaside"},
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.AccountBackend"]
MIDDLEWARE = base.MIDDLEWARE
MARK_SECONDS = 0
NETWORK_FIRST_PAGES = False
FRAGMENT_CACHE_BYTES = 0
CARD_NEAR_CACHE_BYTES = 0

# 2. Custom SQL: every statement is sent and planned as a whole.
PREPARED_STATEMENTS = False

# 3. Pool: Django connects for each request, its default.
DATABASES: dict[str, dict[str, Any]] = {"default": DATABASE | {"ENGINE": "django.db.backends.postgresql"}}

# 4. Command queue: tasks run, and mail is delivered, within the request.
TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.tasks.backends.immediate.ImmediateBackend",
        "QUEUES": [],
    }
}
MAILERS: dict[str, dict[str, Any]] = {"default": DIRECT_MAILER, "direct": DIRECT_MAILER}
