"""Settings that an operator can get wrong, each with an id, shown by `manage.py check` and at every start."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from apps.limits import addresses
from kwippy.address import OWN_MACHINE, is_host, is_site


@register()
def site_address(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    domain = settings.DOMAIN
    if domain and not is_host(domain.lower()):
        return [
            Error(
                f"DOMAIN is {domain!r}, which is no host name.",
                hint="Set it to a host name alone, such as kwippy.example: letters, digits, hyphens and dots,"
                " no scheme and no port (HTTPS_PORT has that); write others as browsers do (xn--…).",
                id="kwippy.E010",
            )
        ]
    if not is_site(settings.SITE_URL):
        return [
            Error(
                f"SITE_URL is {settings.SITE_URL!r}, which is no address of a site.",
                hint="Set it to scheme, host and perhaps a port, such as https://kwippy.example (no path);"
                " or DOMAIN to the host, and HTTPS_PORT to a number.",
                id="kwippy.E001",
            )
        ]
    site = urlsplit(settings.SITE_URL)
    if domain and site.hostname != domain.lower():
        return [
            Error(
                f"SITE_URL is {settings.SITE_URL!r} and DOMAIN {domain!r}: nginx answers for DOMAIN alone.",
                hint="Give both the same host, or leave SITE_URL empty, which is for another port.",
                id="kwippy.E011",
            )
        ]
    if site.scheme == "http" and site.hostname not in OWN_MACHINE:
        return [
            Warning(
                "SITE_URL is plain http: passwords and sessions travel readable.",
                hint="Use https for anything but your own machine.",
                id="kwippy.W001",
            )
        ]
    return []


@register()
def secret_key(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    try:
        if settings.DEBUG or len(settings.SECRET_KEY) >= 40:
            return []
    except ImproperlyConfigured:
        pass  # an empty one can't even be read
    return [
        Error(
            "SECRET_KEY is missing or shorter than 40 characters.",
            hint="Set SECRET_KEY, or SECRET_KEY_FILE to a file that holds it.",
            id="kwippy.E002",
        )
    ]


@register()
def mail(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    if not settings.MAIL_DIR and not settings.SMTP_HOST:
        problems.append(
            Error(
                "Mail can go nowhere: nobody could confirm an address.",
                hint="Set SMTP_HOST (and SMTP_PORT, SMTP_USER, SMTP_PASSWORD), or MAIL_DIR to try it.",
                id="kwippy.E003",
            )
        )
    if not re.search(r"[^@\s<]+@[^@\s>]+", settings.DEFAULT_FROM_EMAIL):
        problems.append(
            Error(
                f"DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}, which is no address.",
                id="kwippy.E004",
            )
        )
    if not settings.CONTACT_EMAIL and urlsplit(settings.SITE_URL).scheme == "https":
        problems.append(
            Warning(
                "CONTACT_EMAIL is empty: what people write to you waits in the admin, and no mail says so.",
                hint="Set it to an address that somebody reads.",
                id="kwippy.W004",
            )
        )
    elif settings.CONTACT_EMAIL and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", settings.CONTACT_EMAIL):
        problems.append(
            Error(f"CONTACT_EMAIL is {settings.CONTACT_EMAIL!r}, which is no address.", id="kwippy.E008")
        )
    return problems


@register()
def proxies(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """What stands in front, and whom it is believed: one without the other is a trap."""
    if urlsplit(settings.SITE_URL).scheme != "https":
        return []
    behind = settings.SECURE_PROXY_SSL_HEADER is not None
    if settings.SECURE_SSL_REDIRECT and not behind:
        return [
            Warning(
                "SITE_URL is https, and nobody is believed who says that a request came by TLS:"
                " every page leads to itself.",
                hint="Behind a proxy that sets X-Forwarded-Proto, BEHIND_TLS_PROXY=on.",
                id="kwippy.W005",
            )
        ]
    if behind and not settings.TRUSTED_PROXIES:
        return [
            Warning(
                "BEHIND_TLS_PROXY is on, and TRUSTED_PROXIES is empty: all visitors come from one address,"
                " and share its limits.",
                hint="Name the proxy's networks, or 'unix' for a socket.",
                id="kwippy.W006",
            )
        ]
    return []


@register()
def memcached(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for server in settings.MEMCACHED_SERVERS:
        host, _, port = server.rpartition(":")
        if not server.startswith(("unix:", "/")) and not (host and port.isdigit()):
            problems.append(
                Error(
                    f"MEMCACHED_SERVERS names {server!r}, which is no server.",
                    hint="Write host:port, or unix:/path of a socket.",
                    id="kwippy.E005",
                )
            )
    if not settings.MEMCACHED_SERVERS and urlsplit(settings.SITE_URL).scheme == "https":
        problems.append(
            Warning(
                "MEMCACHED_SERVERS is empty: each process keeps a small cache of its own, for 5 seconds.",
                id="kwippy.W002",
            )
        )
    return problems


@register()
def folders(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name in ("MEDIA_ROOT", "MAIL_DIR"):
        if not getattr(settings, name):
            continue
        path = Path(getattr(settings, name))
        nearest = next(folder for folder in (path, *path.parents) if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            problems.append(
                Error(f"{name} is {str(path)!r}, where nothing can be written.", id="kwippy.E006")
            )
    return problems


@register()
def metrics(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    try:
        addresses.proxies(tuple(settings.METRICS_NETWORKS))
    except ValueError as error:
        return [
            Error(
                f"METRICS_NETWORKS: {error}.",
                hint="Write networks, such as 10.0.0.0/8, separated by commas.",
                id="kwippy.E009",
            )
        ]
    return []


@register()
def debug(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if settings.DEBUG and urlsplit(settings.SITE_URL).hostname not in OWN_MACHINE:
        return [Error("DEBUG is on for a site that others can reach: it shows its inside.", id="kwippy.E007")]
    return []


@register(Tags.database)
def database(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if any(settings.DATABASES["default"].get(name) for name in ("HOST", "PASSWORD", "PORT")):
        return []
    return [
        Warning(
            "No DATABASE_HOST is set: PostgreSQL is looked for on the default local socket.",
            id="kwippy.W003",
        )
    ]
