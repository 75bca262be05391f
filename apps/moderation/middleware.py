"""Shows a warning to its person before anything else. The cached user says whether there is one."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from apps.limits import prefers_json
from apps.moderation.views import unread_warning
from apps.securitylog import forbidden

# What works before the warning is read: the page itself, signing out, writing to the operators, files.
_OPEN = (
    "/moderation/warning/", "/accounts/logout/", "/contact/", "/media/", "/static/", "/.well-known/",
    "/livez", "/readyz", "/metrics",
)  # fmt: skip


class WarningMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """The warning in place of the page. A request for a document, or without a session, reads no user."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith(_OPEN):
            return None
        if "." in request.path.rpartition("/")[2]:  # feed.atom, robots.txt, a picture
            return None
        if not getattr(request.user, "has_warning", False):
            return None
        forbidden.excuse(request)
        if prefers_json(request):
            link = {"href": "/moderation/warning/", "label": _("read it")}
            error = _("a moderator wrote to you. please read that first.")
            return JsonResponse({"error": error, "link": link}, status=403)
        return unread_warning(request)
