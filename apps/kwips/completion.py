"""Completion of a mention: people for the characters after the "@", as JSON for the page's script."""

import unicodedata
from typing import NamedTuple

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from apps import limits
from apps.accounts import avatars, faces
from apps.kwips.converters import kwip_id_of
from apps.kwips.visibility import SQL
from apps.plaintext import safe

SHOWN = 8
LONGEST = 30  # characters of a beginning


class Named(NamedTuple):
    username: str
    name: str
    avatar: str


def people(viewer_id: int, beginning: str, *, kwip_id: int = 0) -> list[Named]:
    """People whose name begins so: those of the kwip's conversation first, then the viewer's followees."""
    name = unicodedata.normalize("NFKC", beginning).lower()
    if len(name) > LONGEST or "\0" in name:
        return []
    with connection.cursor() as cursor:
        parameters = {"viewer": viewer_id, "kwip": kwip_id, "name": name, "limit": SHOWN}
        SQL.statement("complete").execute_prepared(cursor, parameters)
        return [Named(username, safe(shown), avatar) for username, shown, avatar in cursor.fetchall()]


@require_safe
def complete(request: HttpRequest) -> HttpResponse:
    """`?q=` is the beginning, `?kwip=` the kwip or comment below which the member writes."""
    if not request.user.is_authenticated:
        raise Http404
    if not (decision := limits.hit("complete", request.user.pk)):
        return limits.refuse_click(request, decision)
    kwip_id = kwip_id_of(request.GET.get("kwip")) or 0
    found = people(request.user.pk, request.GET.get("q", ""), kwip_id=kwip_id)
    return JsonResponse({"people": [_shown(person) for person in found]})


def _shown(person: Named) -> dict[str, str | list[str]]:
    """A person with what their picture needs: an address, or the classes and parts of a drawn face."""
    face = faces.face(person.username, person.avatar)
    return {
        "username": person.username,
        "name": person.name,
        "picture": avatars.url(person.avatar) if faces.is_upload(person.avatar) else "",
        "css": face.css,
        "parts": face.parts,
    }
