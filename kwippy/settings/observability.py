"""Observability: logs, metrics, error mail."""

from kwippy.observability.logs import logging_config
from kwippy.settings.base import BASE_DIR, DEBUG
from kwippy.settings.environment import env

LOGGING_CONFIG = None
#: LOG_FORMAT [`json`; `console` with DEBUG]: The format of the log: `json` or `console`.
#: LOG_LEVEL: The lowest level that is logged.
LOGGING = logging_config(
    format=env.str("LOG_FORMAT", "console" if DEBUG else "json"), level=env.str("LOG_LEVEL", "INFO")
)
#: SLOW_STATEMENT_MS: SQL statements that take this many milliseconds are logged, without their values.
SLOW_STATEMENT_MS = env.int("SLOW_STATEMENT_MS", 500)
#: METRICS_NETWORKS [loopback and private networks]: The networks that may read `/metrics`, directly only: a
#:   request through a proxy or a Unix socket gets a 404.
METRICS_NETWORKS: list[str] = env.list(
    "METRICS_NETWORKS",
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
)
#: XRAY [off; on with DEBUG]: For a developer: each page ends with how it was made and what it cost. Works for
#:   browsers on the site's own machine only; the production image does not have it.
XRAY = env.bool("XRAY", DEBUG)
#: ADMINS: The recipients of error mail. It bypasses the command queue; of each kind of error (exception and
#:   route) each process sends at most one a minute.
ADMINS: list[str] = env.list("ADMINS", [])

# ── What `manage.py doctor` looks at ─────────────────────────────────────────────────────────────

#: METRICS_URLS: The `/metrics` of the running processes, comma-separated, whose counters the doctor reads.
METRICS_URLS: list[str] = env.list("METRICS_URLS", [])
#: CERTIFICATE_FILE: The certificate that nginx serves.
CERTIFICATE_FILE = env.str("CERTIFICATE_FILE", "/srv/kwippy/certificates/fullchain.pem")
#: DKIM_SELECTOR: The selector of the mail domain's DKIM key. Empty: the key is not looked up.
DKIM_SELECTOR = env.str("DKIM_SELECTOR", "")
#: OPERATIONS_ROOT [`var/operations`]: The folder in which the operator's scripts note backups.
OPERATIONS_ROOT = env.str("OPERATIONS_ROOT", str(BASE_DIR / "var" / "operations"))
