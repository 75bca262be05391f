"""The answers of the API: JSON, with one shape of errors."""

import datetime
from typing import Any

from django.conf import settings
from django.forms import BaseForm
from django.http import JsonResponse

from apps.feeds.statements import Entry
from apps.kwips.models import Kwip, Visibility, Withheld
from apps.kwips.queries import Card
from apps.limits import Decision

# How much of a text a list has; `is_whole` says whether that is all.
BEGINNING = 5_000


class Refused(Exception):
    """The request is refused: ``status``, ``text``, and further headers."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error(status: int, text: str, headers: dict[str, str] | None = None, **more: Any) -> JsonResponse:
    return JsonResponse({"error": text, **more}, status=status, headers=headers)


def too_many(refusal: Decision) -> JsonResponse:
    return error(429, refusal.message, {"Retry-After": str(refusal.wait)})


def form_errors(form: BaseForm) -> JsonResponse:
    """A 422: the first error as a text, and all of them by field."""
    details = {
        name: [{"error": one["code"] or "invalid", "description": one["message"]} for one in errors]
        for name, errors in form.errors.get_json_data().items()
    }
    [first, *_] = [f"{name}: {one['description']}" for name, errors in details.items() for one in errors]
    return error(422, first, details=details)


def made(kwip: Kwip, username: str, *, created: bool) -> JsonResponse:
    """A kwip that its author sent: 201, or 200 if it was there already."""
    url = f"{settings.SITE_URL}/{username}/kwip/{kwip.pk}/"
    data = {
        "id": str(kwip.pk),
        "url": url,
        "created_at": moment(kwip.created_at),
        "text": kwip.text,
        "followers_only": kwip.visibility == Visibility.FOLLOWERS,
        "is_held": bool(kwip.withheld & Withheld.HELD),
    }
    return JsonResponse(data, status=201 if created else 200, headers={"Location": url})


def listed(entry: Entry, card: Card) -> dict[str, Any]:
    """A kwip of a list, as one viewer sees it."""
    return {
        "id": str(card.id),
        "url": settings.SITE_URL + card.url,
        "author": {
            "username": card.username,
            "name": card.name,
            "url": f"{settings.SITE_URL}/{card.username}/",
        },
        "created_at": moment(card.created_at),
        "edited_at": moment(card.edited_at),
        "text": card.text[:BEGINNING],
        "is_whole": len(card.text) <= BEGINNING,
        "content_note": card.content_note,
        "is_formatted": card.is_formatted,
        "is_sensitive": card.is_sensitive,
        "pictures": [
            {"url": picture.absolute, "alt": picture.alt, "width": picture.width, "height": picture.height}
            for picture in card.pictures
        ],
        "followers_only": card.followers_only,
        "is_held": card.is_held,
        "is_hidden": card.is_hidden,
        "comments_count": card.comments_count,
        "favourites_count": card.favourites_count,
        "shares_count": card.shares_count,
        "shared_by": entry.shared_by[0] if entry.shared_by else None,
        "muffled_by": _muffled_by(entry),
    }


def moment(at: datetime.datetime | None) -> str | None:
    """Milliseconds and a Z: some programs read no other spelling."""
    if at is None:
        return None
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _muffled_by(entry: Entry) -> dict[str, str] | None:
    """Why the page folds the kwip to a line for this viewer: a kind of mute and a name."""
    why = entry.muffled
    if not why and entry.shared_by and entry.shared_by[2]:
        why = ("person", entry.shared_by[1])
    return {"kind": why[0], "name": why[1]} if why else None
