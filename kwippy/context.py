"""The template variables that every page has."""

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest

from apps.accounts.templatetags.people import in_menu
from apps.accounts.viewer import ViewerSummary


def site(request: HttpRequest) -> dict[str, Any]:
    """`site_name`, `site_url` (no slash at its end) and `canonical_url` of the page, `me` and `here`.

    `me` is the viewer's data in the frame, None for anonymous visitors; `here` the page's place in the menu.
    Both are functions: most pages are cached frames, which need at most one of them.

    The canonical URL has no query string except a cursor, since each page of a list has its own content.
    """

    def me() -> ViewerSummary | None:
        return getattr(getattr(request, "user", None), "me", None)

    return {
        "me": me,
        "here": lambda: in_menu(request.path, me()),
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "canonical_url": settings.SITE_URL + quote(request.path) + _cursor(request),
    }


def _cursor(request: HttpRequest) -> str:
    """The query string of a page beyond the first; "" for a first page."""
    if "after" not in request.GET and "before" not in request.GET:
        return ""
    # A cursor is valid in one order only.
    kept = {name: request.GET[name] for name in ("sort", "after", "before") if name in request.GET}
    return f"?{urlencode(kept)}"
