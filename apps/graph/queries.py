"""Reads of follows, requests and blocks."""

from collections.abc import Collection, Mapping

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.graph.models import Block, Follow, FollowRequest, Mute
from apps.keyset import KeysetOrder, Page, from_queryset, paginate

PAGE_SIZE = 40
LASTING = Q(ends_at=None) | Q(ends_at__gt=Now())  # a mute that has not ended


def followed_among(follower_id: int, ids: Collection[int]) -> set[int]:
    """The ids of those users that the follower follows."""
    rows = Follow.objects.filter(follower=follower_id, followee__in=ids)
    return set(rows.values_list("followee_id", flat=True))


def asked_among(asker_id: int, people: Collection[User]) -> set[int]:
    """The ids of those whom the asker asks to follow. One query if an account is private, else none."""
    private = [person.pk for person in people if person.is_private]
    if not private:
        return set()
    rows = FollowRequest.objects.filter(asker=asker_id, asked__in=private)
    return set(rows.values_list("asked_id", flat=True))


def shows_follows(person: User, viewer_id: int | None) -> bool:
    """Whether the viewer may see the person's followers and followees. No query unless it is private."""
    if not person.is_private or viewer_id == person.pk:
        return True
    return bool(viewer_id and followed_among(viewer_id, [person.pk]))


def followers_among(followee_id: int, ids: Collection[int]) -> set[int]:
    """The ids of those users that follow the followee."""
    rows = Follow.objects.filter(followee=followee_id, follower__in=ids)
    return set(rows.values_list("follower_id", flat=True))


def is_blocked(one_id: int | None, other_id: int) -> bool:
    """Whether one of the users blocks the other."""
    return (
        bool(one_id)
        and Block.objects.filter(
            Q(blocker=one_id, blocked=other_id) | Q(blocker=other_id, blocked=one_id)
        ).exists()
    )


def blocks(blocker_id: int, blocked_id: int) -> bool:
    return Block.objects.filter(blocker=blocker_id, blocked=blocked_id).exists()


def blocked_by(blocker_id: int, arguments: Mapping[str, str]) -> Page[User]:
    """The active people whom a user blocks, newest first. Raises `BadCursor`."""
    rows = Block.objects.filter(blocker=blocker_id, blocked__is_active=True).select_related("blocked")
    order = KeysetOrder(f"blocks {blocker_id}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([block.blocked for block in page])


def hidden_among(viewer_id: int, ids: Collection[int]) -> set[int]:
    """The ids of those users whom the viewer blocked or muted, or who blocked the viewer."""
    blocked = Block.objects.filter(blocker=viewer_id, blocked__in=ids).values_list("blocked_id", flat=True)
    blockers = Block.objects.filter(blocked=viewer_id, blocker__in=ids).values_list("blocker_id", flat=True)
    muted = Mute.objects.filter(LASTING, muter=viewer_id, muted__in=ids).values_list("muted_id", flat=True)
    return set(blocked.union(blockers, muted))


def followers(person_id: int, arguments: Mapping[str, str], *, viewer_id: int | None = None) -> Page[User]:
    """The active followers, newest first, without whom a block hides from the viewer. Raises `BadCursor`."""
    rows = Follow.objects.filter(followee=person_id, follower__is_active=True).select_related("follower")
    rows = _unblocked(rows, "follower", viewer_id)
    order = KeysetOrder(f"followers {person_id}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([follow.follower for follow in page])


def following(person_id: int, arguments: Mapping[str, str], *, viewer_id: int | None = None) -> Page[User]:
    """The active users that this user follows; otherwise as `followers`. Raises `BadCursor`."""
    rows = Follow.objects.filter(follower=person_id, followee__is_active=True).select_related("followee")
    rows = _unblocked(rows, "followee", viewer_id)
    order = KeysetOrder(f"following {person_id}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([follow.followee for follow in page])


def requests_to(person_id: int, arguments: Mapping[str, str]) -> Page[User]:
    """The active users who ask to follow this user, newest first. Raises `BadCursor`."""
    rows = FollowRequest.objects.filter(asked=person_id, asker__is_active=True).select_related("asker")
    order = KeysetOrder(f"requests to {person_id}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([row.asker for row in page])


def requests_of(person_id: int, arguments: Mapping[str, str]) -> Page[User]:
    """The active users whom this user asks to follow, newest first. Raises `BadCursor`."""
    rows = FollowRequest.objects.filter(asker=person_id, asked__is_active=True).select_related("asked")
    order = KeysetOrder(f"requests of {person_id}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([row.asked for row in page])


def _unblocked(rows: QuerySet[Follow], who: str, viewer_id: int | None) -> QuerySet[Follow]:
    if not viewer_id:
        return rows
    by_viewer = Block.objects.filter(blocker=viewer_id).values("blocked")
    of_viewer = Block.objects.filter(blocked=viewer_id).values("blocker")
    return rows.exclude(**{f"{who}__in": by_viewer}).exclude(**{f"{who}__in": of_viewer})
