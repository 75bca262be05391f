"""Follows, blocks and mutes of an import, each by the action of its app."""

from django.db import transaction
from django.http import Http404

from apps.accounts.models import User
from apps.accounts.queries import person as person_named
from apps.archive.reading import local_name
from apps.graph.actions import CannotFollow, FollowsTooMany, follow
from apps.graph.blocking import BlocksTooMany, CannotBlock, block
from apps.graph.models import Block, Follow, Mute
from apps.graph.muting import MutesTooMany, mute_person

FINE = {"done", "already", "asked"}


def relate(person: User, section: str, address: str) -> str:
    """Follows, blocks or mutes the person of an address. Returns what came of it."""
    name = local_name(address)
    if name is None:
        return "unreadable"
    if not name:
        return "elsewhere"
    try:
        other = person_named(name)
    except Http404:
        return "unknown"
    if other.pk == person.pk:
        return "yourself"
    return {"follows": _follow, "blocks": _block, "mutes": _mute}[section](person, other)


def _follow(person: User, other: User) -> str:
    if Follow.objects.filter(follower=person, followee=other).exists():
        return "already"
    try:
        with transaction.atomic():
            counts = follow(follower=person, followee=other)
    except FollowsTooMany:
        return "too_many"
    except CannotFollow:
        return "unknown"
    return "asked" if getattr(counts, "is_asking", False) else "done"


def _block(person: User, other: User) -> str:
    if Block.objects.filter(blocker=person, blocked=other).exists():
        return "already"
    try:
        with transaction.atomic():
            block(blocker=person, blocked=other)
    except BlocksTooMany:
        return "too_many"
    except CannotBlock:
        return "unknown"
    return "done"


def _mute(person: User, other: User) -> str:
    """Silenced, and without an end: lists of other sites say neither."""
    if Mute.objects.filter(muter=person, muted=other).exists():
        return "already"
    try:
        with transaction.atomic():
            mute_person(muter=person, muted=other, ends_at=None, is_muffled=False)
    except MutesTooMany:
        return "too_many"
    return "done"
