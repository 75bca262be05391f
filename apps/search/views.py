"""The page of search. It is rendered for each request: a stored page for each query would have no bound."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps import limits
from apps.accounts.members import viewer_id
from apps.accounts.models import User
from apps.feeds import queries as feeds
from apps.fragments import render
from apps.graph.queries import followed_among
from apps.plaintext import clean_line
from apps.search import queries
from apps.search.query import LONGEST, Problem, parse

KWIPS, PEOPLE, TAGS = KINDS = ("kwips", "people", "tags")
# A query that the time limit ended: no fault of the site, so no 5xx, which operators get by mail.
TOO_SLOW = 422


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Kwips, people or tags. Without a query it shows the form, and reads nothing."""
    text = clean_line(request.GET.get("q", "").replace("\0", ""))
    kind = request.GET.get("in", "")
    context: dict[str, Any] = {"q": text, "kind": kind if kind in KINDS else KWIPS, "longest": LONGEST}
    if not text:
        return _page(request, context)
    if not (allowed := limits.hit("search", *_client(request))):
        response = _page(request, context | {"problem": allowed.message}, status=429)
        response["Retry-After"] = str(allowed.wait)
        return response
    try:
        return _page(request, context | _found(request, text, context["kind"]))
    except Problem as problem:
        return _page(request, context | {"problem": str(problem)})
    except queries.TooSlow:
        words = _("that took too long, so we stopped looking. one more word in it makes it easier to find.")
        return _page(request, context | {"problem": words}, status=TOO_SLOW)


def _found(request: HttpRequest, text: str, kind: str) -> dict[str, Any]:
    """What is found. Raises `Problem`, `TooSlow`, `BadCursor`."""
    viewer = request.user if isinstance(request.user, User) else None
    if kind == KWIPS:
        keep = {"q": text}
        page = queries.kwips(parse(text), request.GET, viewer=viewer, keep=keep)
        return {"page": feeds.shown(page, viewer_id(request))}
    if len(text) > LONGEST:
        raise Problem(_("that is a long name."))
    if kind == TAGS:
        return {"tags": queries.tags(text, viewer_id=viewer_id(request))}
    people = queries.people(text, viewer_id=viewer_id(request))
    followed = followed_among(viewer.pk, [person.pk for person in people]) if viewer else set()
    return {"people": [(person, person.pk in followed) for person in people]}


def _client(request: HttpRequest) -> tuple[object, ...]:
    """Whom the limit counts."""
    if request.user.is_authenticated:
        return "person", request.user.pk
    return "network", limits.client_network(request)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, "search/search.html", context, status=status)
    # Its addresses have what people look for, and there is no end to them.
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
