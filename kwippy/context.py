"""The template variables that every page has."""

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from apps.accounts.viewer import ViewerSummary
from apps.feeds.side import EMPTY
from apps.policy.queries import Policy
from apps.policy.queries import current as current_policy

# What the menu links to, besides the viewer's own page.
MENU = frozenset({
    "/", "/everyone/", "/people/", "/kwip/", "/notifications/", "/messages/", "/accounts/login/",
    "/accounts/signup/",
})  # fmt: skip


def site(request: HttpRequest) -> dict[str, Any]:
    """`site_name`, `site_url` (no slash at its end), `canonical_url`, `announcement`, `me` and `here`.

    And `side.EMPTY`. The canonical URL has no query string except a cursor, since each page of a list has
    its own content. `me` is what the frame shows of the viewer, None for an anonymous visitor. `here` is
    the page's path if the menu links to it, else "". Both are functions, so that only a template that
    names one reads the user.
    """

    def me() -> ViewerSummary | None:
        return getattr(getattr(request, "user", None), "me", None)

    def here() -> str:
        path, viewer = request.path, me()
        return path if path in MENU or (viewer and path == viewer.path) else ""

    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "canonical_url": settings.SITE_URL + quote(request.path) + _cursor(request),
        "announcement": partial(_announcement, request),
        "me": me,
        "here": here,
        # A variable that a template does not find costs it an exception and a log entry that no one reads.
        **EMPTY,
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
