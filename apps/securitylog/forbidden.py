"""Requests that were refused for want of a right: of a signed-in person, and of a program with their token.

    status 403 ─▶ recorded, unless the view says that it only asks for something (`excuse`)
    any other  ─▶ recorded if the code that refused says so (`note`): a 404 in place of what is there, a way
                  to another form for signing in, a token without the scope

Not recorded are anonymous visitors, who have no rights yet: the log of requests has them. Nor is what a query
does not find because it is not for its viewer: there the site knows no more than it says.

Of the address its name in the URL map is kept, without values, query and form. The id of the request leads to
its line in the log of requests.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse

from apps.securitylog.event import Event
from apps.securitylog.recording import record


class Refusal(NamedTuple):
    why: str
    user_id: int | None = None  # of the owner of a token; else it is who is signed in
    event: Event = Event.REFUSED


_BY_STATUS = Refusal("rights")


def note(request: HttpRequest, why: str, *, user_id: int | None = None, event: Event = Event.REFUSED) -> None:
    """Says that the answer to this request refuses a right, whatever status it has."""
    request.refusal = Refusal(why, user_id, event)  # type: ignore[attr-defined]


def excuse(request: HttpRequest) -> None:
    """Says that the 403 which answers this request refuses no right: it asks for something first."""
    request.refusal = None  # type: ignore[attr-defined]


class ForbiddenMiddleware:
    """Its place is inside what sets ``request.user``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        refusal = getattr(request, "refusal", _BY_STATUS if response.status_code == 403 else None)
        if refusal is not None:
            _record(request, refusal)
        return response


def _record(request: HttpRequest, refusal: Refusal) -> None:
    """Without PostgreSQL the line is in the JSON log, and the answer is the same."""
    with suppress(Error):
        user_id = refusal.user_id or _signed_in(request)
        if user_id is not None:
            found = request.resolver_match
            record(
                refusal.event,
                request=request,
                user_id=user_id,
                why=refusal.why,
                address=found.view_name if found else "",
                method=request.method or "",
            )


def _signed_in(request: HttpRequest) -> int | None:
    """Who is. Without a cookie of a session that is not asked."""
    return request.user.pk if settings.SESSION_COOKIE_NAME in request.COOKIES else None
