"""The template variables that every page has."""

from functools import partial
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from apps.policy.queries import Policy
from apps.policy.queries import current as current_policy


def site(request: HttpRequest) -> dict[str, object]:
    """`site_name`, `site_url` (no slash at its end), `canonical_url` of the page, `announcement`.

    The canonical URL has no query string except a cursor, since each page of a list has its own content.
    """
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "canonical_url": settings.SITE_URL + quote(request.path) + _cursor(request),
        "announcement": partial(_announcement, request),
    }


def _announcement(request: HttpRequest) -> str:
    """The announcement, called by the templates that show it. "" if PostgreSQL is down."""
    policy: Policy | None = getattr(getattr(request, "user", None), "policy", None)
    try:
        return (policy or current_policy()).announcement_now
    except (OperationalError, InterfaceError):
        return ""


def _cursor(request: HttpRequest) -> str:
    """The query string of a page beyond the first; "" for a first page."""
    if "after" not in request.GET and "before" not in request.GET:
        return ""
    # A cursor is valid in one order only.
    kept = {name: request.GET[name] for name in ("sort", "after", "before") if name in request.GET}
    return f"?{urlencode(kept)}"
