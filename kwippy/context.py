"""The template variables that every page has."""

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest

from apps.accounts.viewer import ViewerSummary

# What the menu links to, besides the viewer's own page.
MENU = frozenset({
    "/", "/everyone/", "/kwip/", "/notifications/", "/settings/", "/accounts/login/", "/accounts/signup/",
})  # fmt: skip


def site(request: HttpRequest) -> dict[str, Any]:
    """`site_name`, `site_url` (no slash at its end), `canonical_url`, `me` and `here`.

    The canonical URL has no query string except a cursor, since each page of a list has its own content.
    `me` is what the frame shows of the viewer, None for an anonymous visitor. `here` is the page's path if
    the menu links to it, else "". Both are functions, so that only a template that names one reads the user.
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
        "me": me,
        "here": here,
    }


def _cursor(request: HttpRequest) -> str:
    """The query string of a page beyond the first; "" for a first page."""
    if "after" not in request.GET and "before" not in request.GET:
        return ""
    # A cursor is valid in one order only.
    kept = {name: request.GET[name] for name in ("sort", "after", "before") if name in request.GET}
    return f"?{urlencode(kept)}"
