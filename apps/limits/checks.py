"""System checks of the settings of rate limits."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from apps.limits.addresses import proxies
from apps.limits.rates import rate_of


def check_settings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for scope in settings.LIMITS:
        try:
            rate_of(scope)
        except ValueError as error:
            problems.append(Error(f"LIMITS[{scope!r}]: {error}.", id="limits.E001"))
    try:
        proxies(tuple(settings.TRUSTED_PROXIES))
    except ValueError as error:
        problems.append(
            Error(
                f"TRUSTED_PROXIES: {error}.",
                hint="List networks such as 127.0.0.1 or 10.0.0.0/8, and 'unix' for a Unix socket.",
                id="limits.E002",
            )
        )
    return problems
