"""The site: its address, applications, middleware, templates, services and files."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kwippy.address import site_url
from kwippy.fingerprint import fingerprint
from kwippy.settings.environment import env, secret
from kwippy.settings.media import media_storage

BASE_DIR = Path(__file__).resolve().parents[2]

# ── The site ─────────────────────────────────────────────────────────────────────────────────────

#: DEBUG: Development mode: tracebacks in the browser, mail to files. Never on a site that others can reach.
DEBUG = env.bool("DEBUG", False)
#: DOMAIN: The host name alone. docker-compose requires it; SITE_URL is derived from it.
DOMAIN = env.str("DOMAIN", "")
#: SITE_URL [`https://DOMAIN:HTTPS_PORT`]: The site's address: scheme, host, and the port if it is not the
#:   scheme's own. SITE_URL or DOMAIN must be set.
#: HTTPS_PORT [`443`]: The port that visitors use, for a SITE_URL that is derived from DOMAIN.
SITE_URL = site_url(
    env.str("SITE_URL", "http://localhost:8000" if DEBUG else ""),
    domain=DOMAIN,
    port=env.str("HTTPS_PORT", ""),
)
#: SITE_NAME: The site's name in titles and mail.
SITE_NAME = env.str("SITE_NAME", "kwippy")
HTTPS = urlsplit(SITE_URL).scheme == "https"
#: RELEASE [a fingerprint of the files]: A name for this version of the code. It is part of cache keys, so
#:   that one release never reads what another has cached.
RELEASE = env.str("RELEASE", "") or fingerprint(BASE_DIR)
#: ALLOWED_HOSTS [the host of SITE_URL]: Further host names that the site answers to.
ALLOWED_HOSTS = [*filter(None, [urlsplit(SITE_URL).hostname]), *env.list("ALLOWED_HOSTS", [])]
#: REFUSE_TRAINING: Whether `robots.txt` asks crawlers that collect training data for models to stay away.
REFUSE_TRAINING = env.bool("REFUSE_TRAINING", True)

# ── Applications ─────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "apps.moderation",
    "apps.archive",
    "apps.directory",
    "apps.drafts",
    "apps.inbound",
    "apps.contact",
    "apps.cspreports",
    "apps.sitepages",
    "apps.notifications",
    "apps.search",
    "apps.tokens",
    "apps.feeds",
    "apps.messages",
    "apps.kwips",
    "apps.graph",
    "apps.factors",
    "apps.accounts",
    "apps.puzzles",
    "apps.policy",
    "apps.securitylog",
    "apps.events",
    "apps.limits",
    "apps.keyset",
    "apps.commandqueue",
    "apps.pictures",
    "apps.pagecache",
    "apps.cachewatch",
    # The demo community. Production images leave it out.
    *(["apps.demo"] if find_spec("apps.demo") else []),
    "kwippy",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "kwippy.observability.request_log.RequestLogMiddleware",
    "kwippy.observability.metrics.MetricsMiddleware",
    "kwippy.middleware.PolicyMiddleware",
    "kwippy.observability.server_timing.ServerTimingMiddleware",
    "kwippy.api.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kwippy.middleware.Utf8Middleware",
    "kwippy.middleware.PrivateByDefaultMiddleware",
    "kwippy.middleware.BusyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kwippy.csrf.CsrfCookieMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.securitylog.forbidden.ForbiddenMiddleware",
    "apps.accounts.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.moderation.middleware.WarningMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "kwippy.urls"
WSGI_APPLICATION = "kwippy.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kwippy.context.site",
                "kwippy.csrf.csrf",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "apps.fragments.templatetags.fragments",
                "apps.plaintext.templatetags.formats",
            ],
        },
    },
]

# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────

# The engine is chosen in optimizations.py and stock.py.
DATABASE: dict[str, Any] = {
    #: DATABASE_HOST: The host of PostgreSQL, or the folder of its socket. Empty: the default local socket.
    "HOST": env.str("DATABASE_HOST", ""),
    #: DATABASE_PORT: The port of PostgreSQL. Empty: 5432.
    "PORT": env.str("DATABASE_PORT", ""),
    #: DATABASE_NAME: The name of the database.
    "NAME": env.str("DATABASE_NAME", "kwippy"),
    #: DATABASE_USER: The role that owns the database.
    "USER": env.str("DATABASE_USER", "kwippy"),
    #: DATABASE_PASSWORD: The role's password.
    "PASSWORD": secret("DATABASE_PASSWORD"),
    "OPTIONS": {
        # A server that is silent holds four threads of a process: see apps/dbpool/outage.py.
        "connect_timeout": 2,
        # A silent server is noticed within 20 seconds. Unix sockets ignore these.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 20_000,
        #: APPLICATION_NAME: The name of this process in `pg_stat_activity` and in PostgreSQL's log.
        "application_name": env.str("APPLICATION_NAME", "kwippy"),
        # The time limit bounds how long a slow statement holds a thread, a lock and a snapshot.
        #: DATABASE_STATEMENT_TIMEOUT_MS: Milliseconds after which PostgreSQL cancels a statement.
        #: DATABASE_LOCK_TIMEOUT_MS: Milliseconds that a statement may wait for a lock.
        "options": " ".join([
            f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', 5_000)}",
            f"-c lock_timeout={env.int('DATABASE_LOCK_TIMEOUT_MS', 2_000)}",
            "-c idle_in_transaction_session_timeout=10000",
            # A prepared statement is planned once: planning a timeline takes longer than running it.
            "-c plan_cache_mode=force_generic_plan",
        ]),
    },
}  # fmt: skip

# ── memcached ────────────────────────────────────────────────────────────────────────────────────

#: MEMCACHED_SERVERS: Servers, as `host:port` or `unix:/path`. Empty: a small cache in each process.
MEMCACHED_SERVERS: list[str] = env.list("MEMCACHED_SERVERS", [])
#: MEMCACHED_TLS_CA: A file with the certificates of the authority that signed memcached's. With it,
#:   connections to `host:port` use TLS.
MEMCACHED_TLS_CA = env.str("MEMCACHED_TLS_CA", "")

# ── Files ────────────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "/static/"
#: STATIC_ROOT [`var/static`]: The folder of collected static files.
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "var" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "kwippy.script.Finder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
# Files at the root of the site, such as /favicon.ico.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
#: MEDIA_URL: Where browsers get uploaded pictures: a path of the site, or the address of another host.
MEDIA_URL = env.str("MEDIA_URL", "/media/")
#: MEDIA_ROOT [`var/media`]: The folder of uploaded pictures.
MEDIA_ROOT = env.str("MEDIA_ROOT", str(BASE_DIR / "var" / "media"))
#: ARCHIVE_ROOT [`var/archives`]: The folder of members' archives and of what they import, for web and worker.
#:   No web server may serve it.
ARCHIVE_ROOT = env.str("ARCHIVE_ROOT", str(BASE_DIR / "var" / "archives"))
#: SERVE_MEDIA: Whether Django serves uploaded pictures. Off where nginx does.
SERVE_MEDIA = env.bool("SERVE_MEDIA", True)
#: STATIC_MANIFEST [on; off with DEBUG]: Static files have hashed names, for which `collectstatic` must run.
STORAGES: dict[str, dict[str, Any]] = {
    "default": media_storage(MEDIA_URL),
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if not env.bool("STATIC_MANIFEST", not DEBUG)
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# ── Notices ──────────────────────────────────────────────────────────────────────────────────────

#: NOTICE_DAYS: Days after which notices on the site are deleted.
NOTICE_DAYS = env.int("NOTICE_DAYS", 90)

# ── Search ───────────────────────────────────────────────────────────────────────────────────────

#: SEARCH_INDEX: Whether new kwips are indexed as they are stored. After a time without, run `manage.py
#:   searchindex`.
SEARCH_INDEX = env.bool("SEARCH_INDEX", True)
#: SEARCH_TIMEOUT_MS: Milliseconds after which a search is ended, with a page that says so.
SEARCH_TIMEOUT_MS = env.int("SEARCH_TIMEOUT_MS", 1_000)

# ── Language and time ────────────────────────────────────────────────────────────────────────────

#: SITE_LANGUAGE: The language of public pages, and of pages and mail of people who chose none: `en`, `de` or
#:   `es`.
SITE_LANGUAGE = env.str("SITE_LANGUAGE", "en")
# Each by its own name, with a complete `locale/CODE` (tests/operations/test_translations.py).
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
# A wrong one is reported by `kwippy.checks`, for which the site must load.
LANGUAGE_CODE = SITE_LANGUAGE if SITE_LANGUAGE in dict(LANGUAGES) else "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [BASE_DIR / "locale"]
