"""What every template knows."""

from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str]:
    """`site_name`, `site_url` (no slash at its end) and `canonical_url` of the page.

    Without its query, but for a cursor: a deeper page of a list shows what no other page does.
    """
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "canonical_url": settings.SITE_URL + quote(request.path) + _cursor(request),
    }


def _cursor(request: HttpRequest) -> str:
    """The query string of a page beyond the first; "" for a first page."""
    if "after" not in request.GET and "before" not in request.GET:
        return ""
    # A cursor belongs to one order.
    kept = {name: request.GET[name] for name in ("sort", "after", "before") if name in request.GET}
    return f"?{urlencode(kept)}"
