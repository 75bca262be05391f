"""The five optimizations, each with what it does and its way back; `stock.py` has them all off.

To switch one off, replace its value by the one after "off:", and restart web and worker; or name its folder
in WITHOUT, as `make run WITHOUT=pagecache` does.
"""

import ssl

from kwippy.settings import stock
from kwippy.settings.base import (
    DATABASE,
    DEBUG,
    LANGUAGE_CODE,
    MEMCACHED_SERVERS,
    MEMCACHED_TLS_CA,
    RELEASE,
    SITE_URL,
)  # fmt: skip
from kwippy.settings.environment import env
from kwippy.settings.mail import DIRECT_MAILER
from kwippy.settings.security import SESSION_COOKIE_NAME
from kwippy.settings.stock import *  # noqa: F403 - everything else
from kwippy.settings.switches import stock_values

# ── 1. Caching ───────────────────────────────────────────────────────────────────────────────────
# apps/pagecache: a wrapper around Django answers anonymous requests with whole pages from memcached.
# off: PAGECACHE = None (or PAGECACHE=off in the environment); Django renders each page.
#: PAGECACHE [on; off with DEBUG]: Whether whole pages are cached for anonymous visitors.
#: PAGECACHE_GENERATIONS_TTL_MS: Milliseconds, 1000 at most, for which a process may reuse the generations of
#:   pages. More hits a second, and each is up to that much older than a purge by another process.
PAGECACHE = (
    {
        "CACHE": "lookaside",
        "SITE_URL": SITE_URL,
        "COOKIES": [SESSION_COOKIE_NAME, "messages"],
        # A page has one language, the site's: another one is another cache.
        "RELEASE": f"{RELEASE}:{LANGUAGE_CODE}",
        "GENERATIONS_TTL_MS": env.int("PAGECACHE_GENERATIONS_TTL_MS", 0),
    }
    if env.bool("PAGECACHE", not DEBUG)
    else None
)
# apps/pagecache/shedding.py: cold pages of anonymous visitors are refused before members have to wait.
# off: None; each page is rendered, and a crawler that reads each page once can take every thread.
#: SHED_AFTER_MS: Milliseconds that requests wait for a thread before cold pages of anonymous visitors, and
#:   their pages at a cursor, get a 503 with Retry-After; 0: never. nginx stamps requests for it; its
#:   stamps count if TRUSTED_PROXIES names it.
#: SHED_RENDERS: How many of these pages a process renders at once; 0: any number. Three times as many
#:   requests may wait for their turn, for two seconds; further ones get the 503. Four times it must be less
#:   than WEB_THREADS. Requests that wait for a render of the same page are not counted.
SHEDDING = (
    {"AFTER_MS": env.int("SHED_AFTER_MS", 200), "RENDERS": env.int("SHED_RENDERS", 1)} if PAGECACHE else None
)
# apps/lookaside/marks.py: keys are marked before a COMMIT, for a writer that is killed after it.
# off: 0; what such a writer changed is stale until its entries expire, for 300 seconds at most.
#: MARK_SECONDS: Where a process is killed between a COMMIT and its invalidation, what it changed is not
#:   cached for so many seconds, and nothing is stale; each process then renders such a page for one request
#:   at a time. 0, off: it is stale for 300 seconds at most, and publishing takes 5 % fewer instructions.
MARK_SECONDS = env.int("MARK_SECONDS", 30)
# apps/lookaside: user objects, sessions and rendered kwips, in memcached under leases.
# off: {"BACKEND": "apps.lookaside.backends.NoLookaside"}; every read computes; nor are pages cached.
CACHES = stock.CACHES | {
    "lookaside": (
        {
            "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
            "LOCATION": MEMCACHED_SERVERS,
            "OPTIONS": {"mark_seconds": MARK_SECONDS}
            | (
                {"tls_context": ssl.create_default_context(cafile=MEMCACHED_TLS_CA)}
                if MEMCACHED_TLS_CA
                else {}
            ),
        }
        if MEMCACHED_SERVERS
        # In this process, for at most 5 seconds, since other processes can't invalidate it.
        else {"BACKEND": "apps.lookaside.backends.LocalLookaside", "LOCATION": "kwippy"}
    ),
}
# off: "django.contrib.sessions.backends.db"; each request reads its session from PostgreSQL, and one ends
# 30 days after it was last written.
SESSION_ENGINE = "apps.accounts.sessions"
# off: ["apps.accounts.backends.AccountBackend"]; each request reads its user from PostgreSQL.
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.CachedUserBackend"]
# apps/accounts/middleware.py: session and user in one round trip.
# off: stock.MIDDLEWARE; in two.
MIDDLEWARE = [
    name.replace("django.contrib.auth.middleware.Authentication", "apps.accounts.middleware.SessionUser")
    for name in stock.MIDDLEWARE
]
# apps/fragments: bytes of cached renderings (`cached_fragment`, `cached_extends`) in each process.
# off: 0; each page renders its frame.
FRAGMENT_CACHE_BYTES = 4 * 1024 * 1024
# apps/feeds/first_pages.py: the first page of a network, for members who follow more than 200 people of whom
# few write.
# off: False; each page 1 is read by the two plans.
NETWORK_FIRST_PAGES = True
# apps/kwips/cards.py: cards in each process, in front of memcached.
# off: 0; each page reads its cards from memcached.
#: CARD_NEAR_CACHE_BYTES [16 MB]: Bytes of rendered kwips that each process keeps in its own memory. 0: none.
CARD_NEAR_CACHE_BYTES = env.int("CARD_NEAR_CACHE_BYTES", 16 * 1024 * 1024)

# ── 2. Custom SQL ────────────────────────────────────────────────────────────────────────────────
# apps/*/sql, apps/statements: timelines and writes are .sql files, prepared once a connection.
# off: False; statements are sent whole, as PgBouncer in transaction mode needs. The .sql files stay.
#: PREPARED_STATEMENTS: Whether hot statements are prepared once a connection. Off behind PgBouncer in
#:   transaction mode.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", True)

# ── 3. Pool ──────────────────────────────────────────────────────────────────────────────────────
# apps/dbpool: the threads of a process share a few connections.
# off: "ENGINE": "django.db.backends.postgresql"; Django connects for each request. With "CONN_MAX_AGE": None
# and "CONN_HEALTH_CHECKS": True it keeps one connection a thread instead. It ignores "POOL".
#: DATABASE_POOL_SIZE: Connections a process, at most. A worker needs its concurrent tasks and two.
#: DATABASE_POOL_WAIT: Seconds that a thread waits for a connection; after that the request gets a 503.
DATABASES = {
    "default": DATABASE
    | {
        "ENGINE": "apps.dbpool",
        "POOL": {
            "max_size": env.int("DATABASE_POOL_SIZE", 4),
            "timeout": env.float("DATABASE_POOL_WAIT", 5.0),
        },
    }
}

# ── 4. Command queue ─────────────────────────────────────────────────────────────────────────────
# apps/commandqueue: mail and tasks are rows in the caller's transaction; `manage.py runworker` executes them.
# off: TASKS = stock.TASKS; tasks run within the request, and none recurs.
TASKS = {
    "default": {
        "BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend",
        "OPTIONS": {
            "max_attempts": {"now": 5, "default": 10, "bulk": 10},
            # Recurring tasks, and their period in seconds.
            "schedule": {
                "watch the caches": {"task": "apps.cachewatch.tasks.watch_caches", "every": 300},
                "sweep the limits": {"task": "kwippy.tasks.sweep_limits", "every": 600},
                "sweep the security log": {"task": "kwippy.tasks.sweep_security_log", "every": 86_400},
                "sweep pictures": {"task": "kwippy.tasks.sweep_pictures", "every": 600},
                "sweep previews": {"task": "kwippy.tasks.sweep_previews", "every": 1800},
                "clear sessions": {"task": "kwippy.tasks.clear_sessions", "every": 86_400},
                "sweep sign-ups": {"task": "kwippy.tasks.sweep_sign_ups", "every": 3_600},
                "align withheld kwips": {"task": "apps.kwips.withholding.align_all", "every": 300},
                "release pictures": {"task": "apps.kwips.attaching.release_left", "every": 3_600},
                "send digests": {"task": "apps.notifications.mail.digests.send_due", "every": 300},
                "sweep mutes": {"task": "kwippy.tasks.sweep_mutes", "every": 3_600},
                "fetch mail": {"task": "apps.inbound.fetching.fetch_mail", "every": 60},
                "sweep seen mail": {"task": "kwippy.tasks.sweep_seen_mail", "every": 86_400},
                "reseal factors": {"task": "kwippy.tasks.reseal_factors", "every": 21_600},
                "sweep notices": {"task": "kwippy.tasks.sweep_notices", "every": 21_600},
                "take over reports": {"task": "apps.moderation.takeover.take_over", "every": 3_600},
                "note who needs a second factor": {
                    "task": "apps.moderation.factor_duty.note_all",
                    "every": 3_600,
                },
                "take off lost second factors": {
                    "task": "apps.accounts.factor_resets.reset_due",
                    "every": 600,
                },
                "erase accounts": {"task": "apps.accounts.erasing.erase_due", "every": 600},
                "publish overdue drafts": {"task": "apps.drafts.publishing.enqueue_overdue", "every": 600},
                "sweep archives": {"task": "apps.archive.sweeping.sweep", "every": 900},
                "find active people and busy tags": {
                    "task": "apps.directory.tasks.find_active_and_busy",
                    "every": 900,
                },
                "suggest people": {"task": "apps.directory.tasks.suggest", "every": 21_600},
                "check links": {"task": "apps.accounts.links.check_due", "every": 3_600},
                "release names": {"task": "kwippy.tasks.release_names", "every": 86_400},
            },
        },
    }
}
# off: MAILERS = stock.MAILERS; the request waits for the mail server, and fails with it.
#: MAIL_RATE [no limit]: Messages a second, for providers that limit them.
#: MAIL_DAILY_CAP [no limit]: Recipients a day (UTC).
#: MAIL_DAILY_RESERVE: Of the cap, recipients reserved for mail that a person waits for.
MAILERS = {
    "default": {
        "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
        "OPTIONS": {
            "mailer": "direct",
            "rate": env.float("MAIL_RATE", 0),
            "daily_cap": env.int("MAIL_DAILY_CAP", 0),
            "daily_reserve": env.int("MAIL_DAILY_RESERVE", 0),
        },
    },
    "direct": DIRECT_MAILER,
}

# ── 5. Keyset pagination ─────────────────────────────────────────────────────────────────────────
# apps/keyset: a page starts at a cursor, without OFFSET and COUNT. This is a design, not a switch: addresses
# carry cursors and pages have no numbers, so there is no setting that turns it off.

# ── Off by name ──────────────────────────────────────────────────────────────────────────────────
#: WITHOUT: Optimizations to switch off, to see what each does: `pagecache`, `lookaside`, `fragments`,
#:   `nearcache`, `statements`, `dbpool`, `commandqueue`. Without `lookaside` pages are not cached either.
globals().update(stock_values(env.list("WITHOUT", [])))
