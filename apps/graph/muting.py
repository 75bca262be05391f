"""Writes of mutes: of people, words, tags and conversations. Each is one transaction, and idempotent.

Muting again replaces the end and the way. The muted are told nothing.
"""

import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.graph.models import Mute, MutedConversation, MutedWord

MOST_MUTES = 200  # of one person and kind: each statement that reads a timeline reads them
BATCH = 5_000

type Kind = type[Mute] | type[MutedWord] | type[MutedConversation]
KINDS: tuple[Kind, ...] = (Mute, MutedWord, MutedConversation)
_ENDED = Q(ends_at__lte=Now())


class MutesTooMany(Exception):
    """The person has `MOST_MUTES` mutes of this kind."""


def mute_person(*, muter: User, muted: User, ends_at: datetime.datetime | None, is_muffled: bool) -> None:
    """Raises `MutesTooMany`, ValueError for oneself."""
    if muter.pk == muted.pk:
        raise ValueError("one cannot mute oneself")
    _mute(Mute, muter, {"muted": muted}, ends_at=ends_at, is_muffled=is_muffled)


def mute_word(
    *,
    muter: User,
    word: str,
    folded: str,
    is_tag: bool,
    ends_at: datetime.datetime | None,
    is_muffled: bool,
) -> None:
    """Mutes a word as `kwips.muted_words.parse` returns it. Raises `MutesTooMany`."""
    about = {"folded": folded, "is_tag": is_tag}
    _mute(MutedWord, muter, about, word=word, ends_at=ends_at, is_muffled=is_muffled)


def mute_conversation(
    *, muter: User, kwip_id: int, ends_at: datetime.datetime | None, is_muffled: bool
) -> None:
    """Mutes a kwip and its comments. Raises `MutesTooMany`."""
    _mute(MutedConversation, muter, {"kwip_id": kwip_id}, ends_at=ends_at, is_muffled=is_muffled)


def unmute(kind: Kind, *, muter: User, **about: Any) -> None:
    """Removes the muter's mutes of a kind that fit."""
    kind._default_manager.filter(muter=muter, **about).delete()


@transaction.atomic
def _mute(kind: Kind, muter: User, about: dict[str, Any], **values: Any) -> None:
    lock_people({muter.pk})
    mine = kind._default_manager.filter(muter=muter)
    mine.filter(_ENDED).delete()
    mine.filter(**about).delete()
    if mine.count() >= MOST_MUTES:
        raise MutesTooMany
    kind._default_manager.create(muter=muter, **about, **values)


def sweep() -> int:
    """Deletes mutes that have ended, in batches; returns how many."""
    swept = 0
    for kind in KINDS:
        rows = kind._default_manager
        while ended := list(rows.filter(_ENDED).values_list("pk", flat=True)[:BATCH]):
            swept += rows.filter(pk__in=ended).filter(_ENDED).delete()[0]
    return swept
