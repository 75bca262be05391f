"""System checks: settings that an operator can get wrong, each with an id. `kwippy.wiring` registers them."""

import os
import re
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from apps.limits import addresses
from apps.pagecache.shedding import WAITING
from kwippy.address import OWN_MACHINE, is_host, is_site

# The least that a COMMIT has of a mark.
COMMIT_SECONDS = 5


def site_address(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    domain = settings.DOMAIN
    if domain and not is_host(domain.lower()):
        return [
            Error(
                f"DOMAIN must be a host name alone, such as kwippy.example; got {domain!r}.",
                hint="Use letters, digits, hyphens and dots, and the xn--… form of other letters."
                " Leave out the scheme, and set the port in HTTPS_PORT.",
                id="kwippy.E010",
            )
        ]
    if not is_site(settings.SITE_URL):
        return [
            Error(
                f"SITE_URL must be an absolute URL without a path, such as https://kwippy.example;"
                f" got {settings.SITE_URL!r}.",
                hint="Set SITE_URL; or set DOMAIN to the host name, and HTTPS_PORT to a number.",
                id="kwippy.E001",
            )
        ]
    site = urlsplit(settings.SITE_URL)
    if domain and site.hostname != domain.lower():
        return [
            Error(
                f"SITE_URL and DOMAIN must name the same host; got {settings.SITE_URL!r} and {domain!r}."
                " nginx serves DOMAIN only.",
                hint="Change one of them. SITE_URL can be left empty unless visitors use another port.",
                id="kwippy.E011",
            )
        ]
    if site.scheme == "http" and site.hostname not in OWN_MACHINE:
        return [
            Warning(
                f"SITE_URL is {settings.SITE_URL!r}, plain http: passwords and sessions are not encrypted.",
                hint="Set SITE_URL to an https address, except on your own machine.",
                id="kwippy.W001",
            )
        ]
    return []


def secret_key(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    try:
        if settings.DEBUG or len(settings.SECRET_KEY) >= 40:
            return []
    except ImproperlyConfigured:
        pass  # Django raises for an empty one
    return [
        Error(
            "SECRET_KEY must have at least 40 characters; it is shorter or not set.",
            hint="Set SECRET_KEY, or set SECRET_KEY_FILE to the path of a file that contains it.",
            id="kwippy.E002",
        )
    ]


def mail(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    if not settings.MAIL_DIR and not settings.SMTP_HOST:
        problems.append(
            Error(
                "SMTP_HOST and MAIL_DIR are not set. The site can't send mail, so that no one can sign up.",
                hint="Set SMTP_HOST (with SMTP_PORT, SMTP_USER, SMTP_PASSWORD), or MAIL_DIR for a trial.",
                id="kwippy.E003",
            )
        )
    if not re.search(r"[^@\s<]+@[^@\s>]+", settings.DEFAULT_FROM_EMAIL):
        problems.append(
            Error(
                f"DEFAULT_FROM_EMAIL must contain an e-mail address; got {settings.DEFAULT_FROM_EMAIL!r}.",
                hint="Set it to an address such as kwippy@kwippy.example, or kwippy <kwippy@kwippy.example>.",
                id="kwippy.E004",
            )
        )
    if not settings.CONTACT_EMAIL and urlsplit(settings.SITE_URL).scheme == "https":
        problems.append(
            Warning(
                "CONTACT_EMAIL is not set. Messages of the contact form go to the admin, without mail.",
                hint="Set it to the e-mail address of the site's operators.",
                id="kwippy.W004",
            )
        )
    elif settings.CONTACT_EMAIL and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", settings.CONTACT_EMAIL):
        problems.append(
            Error(
                f"CONTACT_EMAIL must be one e-mail address; got {settings.CONTACT_EMAIL!r}.",
                hint="Set it to an address such as operators@kwippy.example, without a name.",
                id="kwippy.E008",
            )
        )
    return problems


def proxies(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A proxy in front needs both BEHIND_TLS_PROXY and TRUSTED_PROXIES."""
    if urlsplit(settings.SITE_URL).scheme != "https":
        return []
    behind = settings.SECURE_PROXY_SSL_HEADER is not None
    if settings.SECURE_SSL_REDIRECT and not behind:
        return [
            Warning(
                "SITE_URL is https but BEHIND_TLS_PROXY is off. Every request will redirect to itself.",
                hint="Set BEHIND_TLS_PROXY=on if a proxy in front overwrites X-Forwarded-Proto;"
                " otherwise set SSL_REDIRECT=off.",
                id="kwippy.W005",
            )
        ]
    if behind and not settings.TRUSTED_PROXIES:
        return [
            Warning(
                "BEHIND_TLS_PROXY is on but TRUSTED_PROXIES is empty. All visitors seem to have the proxy's"
                " address, and share its rate limits.",
                hint="Set TRUSTED_PROXIES to the proxy's networks, or to 'unix' for a Unix socket.",
                id="kwippy.W006",
            )
        ]
    return []


def memcached(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for server in settings.MEMCACHED_SERVERS:
        host, _, port = server.rpartition(":")
        if not server.startswith(("unix:", "/")) and not (host and port.isdigit()):
            problems.append(
                Error(
                    f"MEMCACHED_SERVERS must list servers as host:port or unix:/path; got {server!r}.",
                    hint="Separate several servers by commas, such as memcached:11211.",
                    id="kwippy.E005",
                )
            )
    if not settings.MEMCACHED_SERVERS and urlsplit(settings.SITE_URL).scheme == "https":
        problems.append(
            Warning(
                "MEMCACHED_SERVERS is not set. Each process caches little, for 5 seconds at most.",
                hint="Set it to a memcached server, such as memcached:11211.",
                id="kwippy.W002",
            )
        )
    return problems


def pagecache(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    ttl = (settings.PAGECACHE or {}).get("GENERATIONS_TTL_MS", 0)
    if 0 <= ttl <= 1000:
        return []
    return [
        Error(
            f"PAGECACHE_GENERATIONS_TTL_MS must be from 0 to 1000 milliseconds; got {ttl}.",
            hint="Set it to 0 (off) or to a few milliseconds: pages are stale for that long after a change.",
            id="kwippy.E012",
        )
    ]


def marks(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A mark must outlive its transaction, and end before the longest entry.

    It is set after the last statement. PostgreSQL then waits for the COMMIT as long as a transaction may be
    idle, and ends the transaction otherwise. Nothing limits the COMMIT itself, not even the time limit of
    statements: it has the rest of the mark. One second, since memcached counts whole ones.
    """
    seconds = settings.CACHES["lookaside"].get("OPTIONS", {}).get("mark_seconds", 0)
    options_sent = settings.DATABASES["default"].get("OPTIONS", {}).get("options", "")
    idle = re.search(r"idle_in_transaction_session_timeout=(\d+)", options_sent)
    least = ceil(int(idle[1]) / 1000) + COMMIT_SECONDS + 1 if idle else 301
    if seconds == 0 or least <= seconds <= 300:
        return []
    return [
        Error(
            f"MARK_SECONDS must be 0, or from {least} to 300; got {seconds}. A mark must outlive the time"
            f" limit of an idle transaction, and {COMMIT_SECONDS} seconds for the COMMIT.",
            hint="Set it to 0 (off) or to 30.",
            id="kwippy.E016",
        )
    ]


def shedding(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Members must find a thread while as many anonymous visitors as may wait do so."""
    if settings.SHEDDING is None:
        return []
    problems: list[CheckMessage] = []
    after, renders = settings.SHEDDING["AFTER_MS"], settings.SHEDDING["RENDERS"]
    if after != 0 and not 20 <= after <= 10_000:
        problems.append(
            Error(
                f"SHED_AFTER_MS must be 0, or from 20 to 10000; got {after}.",
                hint="Unset it for 200 milliseconds, or set it to 0, and requests may wait for any time.",
                id="kwippy.E017",
            )
        )
    threads = int(os.environ.get("WEB_THREADS", "8"))
    if renders < 0:
        problems.append(
            Error(
                f"SHED_RENDERS must be 0 or more; got {renders}.",
                hint="Unset it for one page at once, or set it to 0 for any number.",
                id="kwippy.E018",
            )
        )
    elif renders * (1 + WAITING) >= threads:
        problems.append(
            Warning(
                f"Anonymous visitors can take each of the {threads} threads of a process: SHED_RENDERS is"
                f" {renders}, and {WAITING} requests may wait for each of these pages.",
                hint="Set WEB_THREADS to more, or SHED_RENDERS to less.",
                id="kwippy.W008",
            )
        )
    return problems


def language(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    codes = ", ".join(code for code, _ in settings.LANGUAGES)
    if settings.SITE_LANGUAGE in dict(settings.LANGUAGES):
        return []
    return [
        Error(
            f"SITE_LANGUAGE must be one of {codes}; got {settings.SITE_LANGUAGE!r}.",
            hint="Set it to one of these, or unset it for English.",
            id="kwippy.E013",
        )
    ]


def folders(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name in ("MEDIA_ROOT", "MAIL_DIR"):
        if not getattr(settings, name):
            continue
        path = Path(getattr(settings, name))
        nearest = next(folder for folder in (path, *path.parents) if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            problems.append(
                Error(
                    f"{name} must be a folder that the site can write to; got {str(path)!r}.",
                    hint="Create it, and make it writable for the user that the site runs as.",
                    id="kwippy.E006",
                )
            )
    return problems


def metrics(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    try:
        addresses.proxies(tuple(settings.METRICS_NETWORKS))
    except ValueError as error:
        return [
            Error(
                f"METRICS_NETWORKS must list networks; {error}.",
                hint="Write networks such as 10.0.0.0/8, separated by commas.",
                id="kwippy.E009",
            )
        ]
    return []


def debug(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if settings.DEBUG and urlsplit(settings.SITE_URL).hostname not in OWN_MACHINE:
        return [
            Error(
                f"DEBUG is on at {settings.SITE_URL!r}: error pages show settings and code to visitors.",
                hint="Set DEBUG=off, or use SITE_URL=http://localhost:8000 on your own machine.",
                id="kwippy.E007",
            )
        ]
    return []


def xray(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if settings.XRAY and urlsplit(settings.SITE_URL).hostname not in OWN_MACHINE:
        return [
            Error(
                f"XRAY is on at {settings.SITE_URL!r}: it is for a site on your own machine.",
                hint="Set XRAY=off. On this site it shows nothing in any case.",
                id="kwippy.E019",
            )
        ]
    return []


def database(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if any(settings.DATABASES["default"].get(name) for name in ("HOST", "PASSWORD", "PORT")):
        return []
    return [
        Warning(
            "DATABASE_HOST is not set. The site connects to PostgreSQL at the default local socket.",
            hint="Set DATABASE_HOST to the host name of PostgreSQL, or to the folder of its socket.",
            id="kwippy.W003",
        )
    ]


def sessions(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    longest = settings.SESSION_COOKIE_AGE // 86_400
    if 1 <= settings.SESSION_IDLE_DAYS <= longest:
        return []
    return [
        Error(
            f"SESSION_IDLE_DAYS must be from 1 to {longest}; got {settings.SESSION_IDLE_DAYS}."
            f" {longest} days after the sign-in a session ends anyway.",
            hint="Set it to 14, or leave it out.",
            id="kwippy.E020",
        )
    ]


# Without `database`, which only commands that use the database run.
def inbound(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """The template of addresses for post by mail. A token has up to 48 of the 64 characters before the @."""
    template = settings.INBOUND_ADDRESS
    if template and not re.fullmatch(r"[\w.+-]{0,16}\{token\}@[\w-]+(\.[\w-]+)+", template, re.ASCII):
        return [
            Error(
                f"INBOUND_ADDRESS must be one address with {{token}} before the @; got {template!r}.",
                hint="Set it to an address such as post+{token}@kwippy.example; the part before {token} has"
                " at most 16 characters.",
                id="kwippy.E014",
            )
        ]
    if settings.INBOUND_IMAP_HOST and not template:
        return [
            Warning(
                "INBOUND_IMAP_HOST is set but INBOUND_ADDRESS is not. No mail is fetched.",
                hint="Set INBOUND_ADDRESS to the addresses whose mail reaches that mailbox.",
                id="kwippy.W007",
            )
        ]
    return []


CHECKS = (
    site_address, secret_key, mail, inbound, proxies, memcached, pagecache, shedding, marks, language,
    sessions, folders, metrics, debug, xray,
)  # fmt: skip
