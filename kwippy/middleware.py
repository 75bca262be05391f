"""Middleware that is not about observability: policy and cache headers, form encoding, overload."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.csp import CSP, build_policy

from apps.limits import Busy
from kwippy.api import is_api
from kwippy.errors import busy

# Of JSON, which a script reads: as a document it loads nothing, and in a frame it has nothing to press.
_JSON_POLICY = "default-src 'none'"
# What is for documents, or for what is stored. Without it the answer to a click has a third of the bytes.
_NOT_FOR_JSON = ("X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Server-Timing")


class PolicyMiddleware:
    """Sends SECURE_CSP, rendered once: it has no nonce. Django's middleware renders it for each response.
    With it go DOCUMENT_HEADERS.

    A view with a policy of its own sets the header. Django's decorator `csp_override` has no effect here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._policy = build_policy(cast("dict[str, list[str]]", settings.SECURE_CSP))
        self._headers = tuple(settings.DOCUMENT_HEADERS.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = self._policy
        if response.headers.get("Content-Type") == "application/json":
            policy = _JSON_POLICY
            for name in _NOT_FOR_JSON:
                del response.headers[name]
            if not is_api(request):
                del response.headers["Vary"]
        else:
            for name, value in self._headers:
                response.headers.setdefault(name, value)
        response.headers.setdefault(CSP.HEADER_ENFORCE.value, policy)
        return response


# Pages that show a member what others may read as well, by the names of their addresses. A browser may keep
# them for "back"; forms for passwords, addresses, archives and messages are not among them.
RESTORABLE = frozenset({
    "home", "everyone", "tag", "person", "kwip", "whole", "history", "revision", "favourites", "shares",
    "comments", "bookmarks", "followers", "following", "statistics", "notifications", "search", "tags",
    "people", "people_active", "people_network",
})  # fmt: skip


class PrivateByDefaultMiddleware:
    """Responses are `private, no-store` unless their view says otherwise, a member's `RESTORABLE` pages
    `private, no-cache`: browsers ask again for them, but may restore them for "back".

    A response that replaces or ends the browser's session has it forget what it kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        stored = "no-cache" if _is_restorable(request, response) else "no-store"
        response.headers.setdefault("Cache-Control", f"private, {stored}")
        if _changes_session(request, response):
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


def _is_restorable(request: HttpRequest, response: HttpResponse) -> bool:
    found = request.resolver_match
    return (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and found is not None
        and found.url_name in RESTORABLE
        and request.user.is_authenticated
    )


def _changes_session(request: HttpRequest, response: HttpResponse) -> bool:
    name = settings.SESSION_COOKIE_NAME
    before, after = request.COOKIES.get(name), response.cookies.get(name)
    return bool(before) and after is not None and after.value != before


class Utf8Middleware:
    """Refuses forms whose Content-Type names an encoding other than UTF-8.

    Django decodes a form with any Python codec that the Content-Type names. Some of them produce lone
    surrogates, which can't be encoded again, and some don't produce text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.strip("\"' ").lower() not in ("utf-8", "utf8"):
            return HttpResponse(loader.get_template("400.html").render(), status=400)
        return self.get_response(request)


class BusyMiddleware:
    """Answers `apps.limits.Busy` with a 503, which is not logged as an error and not mailed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return busy(request, exception) if isinstance(exception, Busy) else None
