"""Writes of kwips. Each is one transaction and can be repeated without doing its work twice.

Locks are taken in one order everywhere: kwips by id, then people by id.
"""

import uuid
from collections import Counter, defaultdict

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from apps.accounts import freshness
from apps.accounts.counters import lock_people, move_counters
from apps.accounts.models import User
from apps.kwips import text as kwip_text
from apps.kwips.freshness import shown_on
from apps.kwips.models import Favourite, Kwip, KwipTag, Mention, Revision, Tag, Tombstone


class Gone(Exception):
    """The kwip was deleted, at the latest while this action waited for it."""


@transaction.atomic
def publish(*, author: User, text: str, form_key: uuid.UUID, followers_only: bool = False) -> Kwip:
    """Publishes a kwip, or returns the one that the same form made before. ``text`` is clean, not empty.

    Raises `Gone` where the form's kwip was deleted since.
    """
    lock_people({author.pk})
    if (before := _made_by_form(author, form_key)) is not None:
        if before.thread_id is None:
            return before
        form_key = uuid.uuid4()  # the key of another form: not this kwip sent twice
    kwip = Kwip.objects.create(
        author=author, text=text, form_key=form_key, audience=author if followers_only else None
    )
    _index_words(kwip)
    move_counters({author.pk: {"kwips_count": 1}})
    freshness.changed(pages=shown_on(kwip))
    return kwip


@transaction.atomic
def comment(*, author: User, thread: Kwip, text: str, form_key: uuid.UUID) -> Kwip:
    """Adds a comment below ``thread``, or returns the one that the same form made before.

    Raises `Gone` where the kwip, or the form's comment, was deleted.
    """
    locked = _lock(thread.pk)
    lock_people({author.pk})
    if (before := _made_by_form(author, form_key)) is not None:
        if before.thread_id == locked.pk:
            return before
        form_key = uuid.uuid4()  # the key of another form: not this comment sent twice
    made = Kwip.objects.create(
        author=author, thread=locked, text=text, form_key=form_key, audience_id=locked.audience_id
    )
    _index_words(made)
    Kwip.objects.filter(pk=locked.pk).update(
        comments_count=F("comments_count") + 1, version=F("version") + 1, last_active_at=made.created_at
    )
    move_counters({author.pk: {"comments_count": 1}})
    freshness.changed(pages=shown_on(locked, made))
    return made


@transaction.atomic
def edit(*, kwip: Kwip, text: str) -> Kwip:
    """Changes what a kwip says, keeping what it said. The same text again changes nothing. Raises `Gone`."""
    locked = _lock(kwip.pk)
    if locked.text == text:
        return locked
    quoting = locked.comments.only("thread_id", "audience_id")
    before = shown_on(locked, *quoting)
    Revision.objects.create(kwip=locked, text=locked.text, written_at=locked.edited_at or locked.created_at)
    locked.text = text
    locked.edited_at = timezone.now()
    locked.version += 1
    locked.save(update_fields=["text", "edited_at", "version"])
    # The card of a comment shows the beginning of what it is about.
    locked.comments.update(version=F("version") + 1)
    _index_words(locked)
    freshness.changed(pages=before + shown_on(locked))
    return locked


@transaction.atomic
def delete(*, kwip: Kwip) -> None:
    """Deletes a kwip with its comments, or one comment; a tombstone without words stays. Raises `Gone`."""
    if kwip.thread_id is not None:
        thread = _lock(kwip.thread_id)
        doomed = [_lock(kwip.pk)]
    else:
        thread = None
        root = _lock(kwip.pk)
        doomed = [root, *_locked_comments(root)]
    pages = shown_on(*doomed, *([thread] if thread else []))
    changes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for gone in doomed:
        changes[gone.author_id]["comments_count" if gone.thread_id else "kwips_count"] -= 1
    ids = [gone.pk for gone in doomed]
    for user_id in Favourite.objects.filter(kwip_id__in=ids).values_list("user_id", flat=True):
        changes[user_id]["favourites_count"] -= 1
    Tombstone.objects.bulk_create(
        Tombstone(
            kwip_id=gone.pk,
            author_id=gone.author_id,
            public=gone.audience_id is None,
            audience_id=gone.audience_id,
            form_key=gone.form_key,
        )
        for gone in doomed
    )
    Kwip.objects.filter(pk=doomed[0].pk).delete()
    if thread is not None:
        newest = thread.comments.aggregate(newest=Max("created_at"))["newest"]
        Kwip.objects.filter(pk=thread.pk).update(
            comments_count=F("comments_count") - 1,
            version=F("version") + 1,
            last_active_at=newest or F("created_at"),
        )
    move_counters(changes)
    freshness.changed(pages=pages)


@transaction.atomic
def favourite(*, kwip: Kwip, user: User) -> int:
    """Adds a kwip or comment to someone's favourites, once. Returns how often it is one. Raises `Gone`."""
    locked = _lock(kwip.pk)
    if Favourite.objects.get_or_create(kwip=locked, user=user)[1]:
        return _count_favourite(locked, user, by=1)
    return locked.favourites_count


@transaction.atomic
def unfavourite(*, kwip: Kwip, user: User) -> int:
    """Takes a kwip or comment out of someone's favourites. Returns how often it is one. Raises `Gone`."""
    locked = _lock(kwip.pk)
    if Favourite.objects.filter(kwip=locked, user=user).delete()[0]:
        return _count_favourite(locked, user, by=-1)
    return locked.favourites_count


def _count_favourite(kwip: Kwip, user: User, *, by: int) -> int:
    """Moves the counters of both. ``kwip`` is locked, so that what it says is exact."""
    Kwip.objects.filter(pk=kwip.pk).update(
        favourites_count=F("favourites_count") + by, version=F("version") + 1
    )
    move_counters({user.pk: {"favourites_count": by}})
    freshness.changed(pages=shown_on(kwip))
    return kwip.favourites_count + by


def _lock(kwip_id: int) -> Kwip:
    try:
        return (
            Kwip.objects.select_related("author").select_for_update(no_key=True, of=("self",)).get(pk=kwip_id)
        )
    except Kwip.DoesNotExist:
        raise Gone from None


def _locked_comments(thread: Kwip) -> list[Kwip]:
    return list(thread.comments.select_for_update(no_key=True).defer("text").order_by("pk"))


def is_made(author: User, form_key: uuid.UUID) -> bool:
    """Whether a form was taken before; what came of it may be deleted by now."""
    made = {"author": author, "form_key": form_key}
    return Kwip.objects.filter(**made).exists() or Tombstone.objects.filter(**made).exists()


def _made_by_form(author: User, form_key: uuid.UUID) -> Kwip | None:
    if Tombstone.objects.filter(author=author, form_key=form_key).exists():
        raise Gone
    return Kwip.objects.filter(author=author, form_key=form_key).first()


def _index_words(kwip: Kwip) -> None:
    """Brings the kwip's tags and mentions in line with its text."""
    names = kwip_text.tags(kwip.text)
    # In one order, so that two kwips with the same new tags don't wait for each other.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)
    wanted = set(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    KwipTag.objects.filter(kwip=kwip).exclude(tag_id__in=wanted).delete()
    KwipTag.objects.bulk_create([KwipTag(tag_id=tag, kwip=kwip) for tag in wanted], ignore_conflicts=True)
    named = kwip_text.mentions(kwip.text)
    people = set(User.objects.filter(username__in=named).values_list("pk", flat=True))
    Mention.objects.filter(kwip=kwip).exclude(user_id__in=people).delete()
    Mention.objects.bulk_create([Mention(kwip=kwip, user_id=user) for user in people], ignore_conflicts=True)
