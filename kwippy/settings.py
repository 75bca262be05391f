"""Everything that can be set, from the environment; what is not set is safe for production.

`X_FILE` names a file that holds the value of `X`, for every secret. The README lists the variables.
"""

import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.csp import CSP
from environs import Env

from kwippy.address import OWN_MACHINE, site_url
from kwippy.logs import logging_config
from kwippy.release import fingerprint

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()


def secret(name: str, default: str = "") -> str:
    """The value of ``name``, or what the file named by ``name_FILE`` holds."""
    path = env.str(f"{name}_FILE", "")
    return Path(path).read_text().strip() if path else env.str(name, default)


# ── What this site is ────────────────────────────────────────────────────────────────────────────

DEBUG = env.bool("DEBUG", False)
# docker-compose names the domain, and the port that it publishes.
DOMAIN = env.str("DOMAIN", "")
SITE_URL = site_url(
    env.str("SITE_URL", "http://localhost:8000" if DEBUG else ""),
    domain=DOMAIN,
    port=env.str("HTTPS_PORT", ""),
)
SITE_NAME = env.str("SITE_NAME", "kwippy")
_site = urlsplit(SITE_URL)
HTTPS = _site.scheme == "https"
# What distinguishes this code from the last: pages that were kept by one are not another's.
RELEASE = env.str("RELEASE", "") or fingerprint(BASE_DIR)
ALLOWED_HOSTS = [*filter(None, [_site.hostname]), *env.list("ALLOWED_HOSTS", [])]

SECRET_KEY = secret("SECRET_KEY", "only-for-debug" * 5 if DEBUG else "")
SECRET_KEY_FALLBACKS = [key for key in secret("SECRET_KEY_FALLBACKS").split(",") if key]

# ── The house ────────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "apps.contact",
    "apps.feeds",
    "apps.kwips",
    "apps.graph",
    "apps.accounts",
    "apps.events",
    "apps.limits",
    "apps.keyset",
    "apps.commandqueue",
    "apps.pagecache",
    # The invented community; production images leave it out.
    *(["apps.demo"] if find_spec("apps.demo") else []),
    "kwippy",
    "allauth",
    "allauth.account",
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
    "kwippy.logs.RequestLogMiddleware",
    "kwippy.metrics.MetricsMiddleware",
    "kwippy.timing.ServerTimingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kwippy.middleware.Utf8Middleware",
    "kwippy.middleware.PrivateByDefaultMiddleware",
    "kwippy.middleware.BusyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
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
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "kwippy.templatetags.fixed",
                "apps.plaintext.templatetags.formats",
            ],
        },
    },
]

# Of each part of a page that is {% fixed %}, so many renderings are kept in each process: a few megabytes in
# all. 0 renders each anew.
FIXED_PARTS_KEPT = 1000

# ── PostgreSQL: the only database ────────────────────────────────────────────────────────────────

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        # A pool; "django.db.backends.postgresql" keeps a connection for each thread instead.
        "ENGINE": "apps.dbpool",
        "HOST": env.str("DATABASE_HOST", ""),
        "PORT": env.str("DATABASE_PORT", ""),
        "NAME": env.str("DATABASE_NAME", "kwippy"),
        "USER": env.str("DATABASE_USER", "kwippy"),
        "PASSWORD": secret("DATABASE_PASSWORD"),
        # For each process. Of gunicorn's eight threads some are always in Python or in memcached; who finds
        # none free waits, and after so many seconds gets an error: a 503.
        "POOL": {
            "max_size": env.int("DATABASE_POOL_SIZE", 4),
            "timeout": env.float("DATABASE_POOL_WAIT", 5.0),
        },
        # For the other engine.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # A server that fell silent: noticed within 20 seconds. (A local socket knows none of this.)
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 20_000,
            # Who it is, in pg_stat_activity and in PostgreSQL's log.
            "application_name": env.str("APPLICATION_NAME", "kwippy"),
            # One slow statement must not hold a thread, a lock or a snapshot for ever.
            "options": " ".join([
                f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', 5_000)}",
                f"-c lock_timeout={env.int('DATABASE_LOCK_TIMEOUT_MS', 2_000)}",
                "-c idle_in_transaction_session_timeout=10000",
            ]),
        },
    }
}  # fmt: skip

# Off behind a PgBouncer in transaction mode: the next transaction may be on another connection.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", True)

# Statements that take as long are logged, without their values. PostgreSQL's own log can't leave those out.
SLOW_STATEMENT_MS = env.int("SLOW_STATEMENT_MS", 500)

# ── Caches ───────────────────────────────────────────────────────────────────────────────────────

MEMCACHED_SERVERS: list[str] = env.list("MEMCACHED_SERVERS", [])
# A file with the certificates of the authority that signed memcached's. With it, connections use TLS.
MEMCACHED_TLS_CA = env.str("MEMCACHED_TLS_CA", "")

CACHES: dict[str, dict[str, Any]] = {
    # allauth's rate limits. They are security: in PostgreSQL they hold when memcached is down, where
    # a dead memcached would either admit everyone or lock everyone out.
    "default": {
        "BACKEND": "apps.limits.cache.LimitsCache",
        "LOCATION": "limits_cache",
    },
    # User objects, sessions and rendered kwips. "apps.lookaside.backends.NoLookaside" does without.
    "lookaside": (
        {
            "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
            "LOCATION": MEMCACHED_SERVERS,
            "OPTIONS": (
                {"tls_context": ssl.create_default_context(cafile=MEMCACHED_TLS_CA)}
                if MEMCACHED_TLS_CA
                else {}
            ),
        }
        if MEMCACHED_SERVERS
        # In this process, each entry for 5 seconds at most: other processes can't take it back.
        else {"BACKEND": "apps.lookaside.backends.LocalLookaside", "LOCATION": "kwippy"}
    ),
}

# ── People ───────────────────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "accounts.User"
# Reads the user of a request from memcached; "allauth.account.auth_backends.AuthenticationBackend" does not.
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.CachedUserBackend"]
PASSWORD_HASHERS = [
    # Two at once in each process, of 46 MiB each. It also verifies Argon2 hashes of earlier releases.
    "apps.accounts.hashers.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.accounts.passwords.NotAboutYou"},
    {"NAME": "apps.accounts.passwords.LongEnough"},
    {"NAME": "apps.accounts.passwords.NotCommon"},
    {"NAME": "apps.accounts.passwords.NoSiteWords"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "apps.accounts.entrance.LoginForm",
    "signup": "apps.accounts.entrance.SignupForm",
    "add_email": "apps.accounts.entrance.AddEmailForm",
    "change_password": "apps.accounts.entrance.ChangePasswordForm",
    "reset_password": "apps.accounts.entrance.ResetPasswordForm",
    "reset_password_from_key": "apps.accounts.entrance.ResetPasswordKeyForm",
    "reauthenticate": "apps.accounts.entrance.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Mandatory also keeps sign-up from telling who has an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
USERSESSIONS_TRACK_ACTIVITY = False

# ── Limits ───────────────────────────────────────────────────────────────────────────────────────

# The networks of the proxies in front of us, and "unix" for a socket: whom `X-Forwarded-For` is believed.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])

# How often is too often: so many in any such span (s, m, h, d); None lifts a limit. A person in a lively
# conversation does not meet them. A network is an IPv4 address or an IPv6 /64.
LIMITS: dict[str, str | None] = {
    "failed_sign_in": "5/5m",  # an account from a network: from elsewhere its owner still gets in
    "failed_sign_in_network": "10/1m",  # any accounts from a network
    "failed_sign_in_anywhere": "20/1d",  # an account from all networks: beyond it, its owner is told
    "failed_sign_in_mail": "1/1d",  # an account: how often its owner is told
    "sign_up_mail": "5/1h",  # an address for mail from a network: beyond it no link goes out
    "sign_up_mail_address": "20/1d",  # an address for mail
    "sign_up_mail_again": "1/1m",  # a sign-up
    "sign_up_change": "10/1h",  # a network: other addresses for a sign-up
    "rename": "3/30d",  # a person: each name that they leave is reserved for a year
    "publish": "30/10m",  # a person
    "comment": "60/10m",  # a person
    "edit": "60/10m",  # a person
    "picture": "20/1h",  # a person
    "picture_seconds": "60/1h",  # a person: CPU time of decoding, bad pictures included
    "profile": "20/1h",  # a person
    "favourite": "120/10m",  # a person, there and back
    "follow": "120/10m",  # a person, there and back
    "contact": "10/1h",  # a network
    "preview": "1/10m",  # one picture of a link preview: how often it is asked of the worker
    "previews": "30/1m",  # all of them together
    "contact_answer": "3/1d",  # an address, which may be another person's
}
# allauth's own, which it counts in CACHES["default"]. "ip" is a network as above, "key" an address for
# mail. What is not named here keeps allauth's default, among them the guesses at a code (login_failed).
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "signup": "10/m/ip,100/d/ip",
    # Beyond it no mail goes out, and the links of those that did still work.
    "reset_password": "20/m/ip,100/d/ip,5/30m/key",
    "confirm_email": "1/3m/key,10/d/key",
}

# ── Metrics ──────────────────────────────────────────────────────────────────────────────────────

# Who gets `/metrics`, and only without a proxy on the way: a request with `X-Forwarded-For` never does.
METRICS_NETWORKS: list[str] = env.list(
    "METRICS_NETWORKS",
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
)

# ── Sessions, cookies, messages ──────────────────────────────────────────────────────────────────

# The __Host- prefix ties a cookie to this host and to TLS; browsers refuse it over plain HTTP.
_cookie_prefix = "__Host-" if HTTPS else ""
# In PostgreSQL, read from memcached; "django.contrib.sessions.backends.db" reads PostgreSQL each time.
SESSION_ENGINE = "apps.accounts.sessions"
SESSION_COOKIE_NAME = f"{_cookie_prefix}sessionid"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_COOKIE_NAME = f"{_cookie_prefix}csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "kwippy.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# What strangers see, kept whole by a wrapper around Django. None is off: Django answers each request.
PAGECACHE: dict[str, Any] | None = (
    {
        "CACHE": "lookaside",
        "SITE_URL": SITE_URL,
        "COOKIES": [SESSION_COOKIE_NAME, "messages"],
        "RELEASE": RELEASE,
    }
    if env.bool("PAGECACHE", not DEBUG)
    else None
)

# ── What browsers may do ─────────────────────────────────────────────────────────────────────────

# No nonce: one can't be used in a page that is cached. Scripts and styles are files of our own.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Never for localhost, where other sites are served without TLS.
SECURE_HSTS_SECONDS = (
    env.int("HSTS_SECONDS", 31_536_000) if HTTPS and _site.hostname not in OWN_MACHINE else 0
)
SECURE_SSL_REDIRECT = HTTPS and env.bool("SSL_REDIRECT", True)
# Set it only where a proxy in front overwrites the header.
if env.bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# HSTS for subdomains and on the preload list bind hosts that are not ours to bind: the operator's to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The longest kwip, form-encoded, takes 1.2 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# ── Mail ─────────────────────────────────────────────────────────────────────────────────────────

MAIL_DIR = env.str("MAIL_DIR", str(BASE_DIR / "var" / "mail") if DEBUG else "")
SMTP_HOST = env.str("SMTP_HOST", "")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"kwippy <kwippy@{_site.hostname or 'localhost'}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
CONTACT_EMAIL = env.str("CONTACT_EMAIL", "")
# Those who are told of errors, by mail.
ADMINS: list[str] = env.list("ADMINS", [])
MAILERS: dict[str, dict[str, Any]] = {
    # Every message is a row in the command queue, in the sender's own transaction; `manage.py runworker`
    # sends it. "django.core.mail.backends.smtp.EmailBackend" in its place is the way back.
    "default": {
        "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
        "OPTIONS": {
            "mailer": "direct",
            # For providers that ask for it: messages a second, recipients a day.
            "rate": env.float("MAIL_RATE", 0),
            "daily_cap": env.int("MAIL_DAILY_CAP", 0),
            "daily_reserve": env.int("MAIL_DAILY_RESERVE", 0),
        },
    },
    # What really sends. Error mail takes it at once: it must work when PostgreSQL does not.
    "direct": (
        {"BACKEND": "kwippy.mailfiles.EmlFileBackend", "OPTIONS": {"directory": MAIL_DIR}}
        if MAIL_DIR
        else {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {
                "host": SMTP_HOST,
                "port": env.int("SMTP_PORT", 587),
                "username": env.str("SMTP_USER", ""),
                "password": secret("SMTP_PASSWORD"),
                "use_tls": env.bool("SMTP_TLS", True),
                "timeout": 10,
            },
        }
    ),
}

# ── Machines ─────────────────────────────────────────────────────────────────────────────────────

# Whether robots.txt asks crawlers that gather texts to train models with to stay away.
REFUSE_TRAINING = env.bool("REFUSE_TRAINING", True)
# Where to report a vulnerability, for security.txt: "mailto:…" or "https://…".
SECURITY_CONTACT = env.str("SECURITY_CONTACT", f"{SITE_URL}/contact/" if CONTACT_EMAIL else "")

# ── Commands: what is done outside of requests ───────────────────────────────────────────────────

TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend",
        "OPTIONS": {
            "max_attempts": {"now": 5, "default": 10, "bulk": 10},
            # What recurs, and after how many seconds.
            "schedule": {
                "sweep the limits": {"task": "kwippy.tasks.sweep_limits", "every": 600},
                "sweep previews": {"task": "kwippy.tasks.sweep_previews", "every": 1800},
                "clear sessions": {"task": "kwippy.tasks.clear_sessions", "every": 86_400},
                "sweep sign-ups": {"task": "kwippy.tasks.sweep_sign_ups", "every": 3_600},
                "release names": {"task": "kwippy.tasks.release_names", "every": 86_400},
            },
        },
    }
}

# ── Files ────────────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "var" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# What is asked for at the root: /favicon.ico and the like.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
MEDIA_URL = "/media/"
MEDIA_ROOT = env.str("MEDIA_ROOT", str(BASE_DIR / "var" / "media"))
# Where nginx serves them, gunicorn need not.
SERVE_MEDIA = env.bool("SERVE_MEDIA", True)
# Hashed names, which never change, need `collectstatic` first; tests do without.
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if not env.bool("STATIC_MANIFEST", not DEBUG)
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# ── Language and time ────────────────────────────────────────────────────────────────────────────

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [BASE_DIR / "locale"]

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────

LOGGING_CONFIG = None
LOGGING = logging_config(
    format=env.str("LOG_FORMAT", "console" if DEBUG else "json"), level=env.str("LOG_LEVEL", "INFO")
)
