"""What a member mutes, for the page that lists it: at most `muting.MOST_MUTES` of each kind."""

import datetime
from typing import Any, NamedTuple

from django.db.models.functions import Left

from apps.accounts.models import User
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.graph.queries import LASTING
from apps.kwips import formatting, text
from apps.kwips.models import Kwip
from apps.kwips.visibility import VisibleTo


class Muted(NamedTuple):
    """A mute: its name on the page, and the address of what it mutes, if it has one."""

    id: int
    name: str
    url: str
    ends_at: datetime.datetime | None
    is_muffled: bool


class Lists(NamedTuple):
    """Mutes by kind, newest first."""

    people: list[Muted]
    words: list[Muted]
    conversations: list[Muted]


def of(muter: User) -> Lists:
    people = Mute.objects.filter(LASTING, muter=muter, muted__is_active=True).select_related("muted")
    words = MutedWord.objects.filter(LASTING, muter=muter).order_by("-pk")
    conversations = list(MutedConversation.objects.filter(LASTING, muter=muter).order_by("-pk"))
    kwips = _beginnings(muter, [row.kwip_id for row in conversations])
    return Lists(
        [_muted(row, row.muted.name, f"/{row.muted.username}/") for row in people.order_by("-pk")],
        [_muted(row, row.word, f"/tag/{row.folded}/" if row.is_tag else "") for row in words],
        [_muted(row, *kwips.get(row.kwip_id, ("…", ""))) for row in conversations],
    )


def _muted(row: Mute | MutedWord | MutedConversation, name: str, url: str) -> Muted:
    return Muted(row.pk, name, url, row.ends_at, row.is_muffled)


def _beginnings(viewer: User, ids: list[int]) -> dict[int, tuple[str, str]]:
    """The first words and the address of those kwips that the viewer may see now."""
    rows = Kwip.objects.filter(VisibleTo(viewer.pk), pk__in=ids)
    rows = rows.annotate(beginning=Left("text", 632)).select_related("author").defer("text")
    return {kwip.pk: (_excerpt(kwip), f"/{kwip.author.username}/kwip/{kwip.pk}/") for kwip in rows}


def _excerpt(kwip: Any) -> str:
    if kwip.content_note:
        return text.excerpt(kwip.content_note)
    return formatting.excerpt(kwip.beginning, formatted=kwip.is_formatted)
