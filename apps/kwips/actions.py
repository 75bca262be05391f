"""Writes of kwips. Each is one transaction, and idempotent.

Lock order: kwips by id, then people by id, then their thanks. The transaction that holds a thread may lock
its comments in any order.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from apps.accounts.counters import move_counters
from apps.accounts.events import CountersMoved, counters_moved
from apps.accounts.models import User
from apps.accounts.queries import ids_of
from apps.accounts.statements import counting
from apps.graph.models import MutedConversation
from apps.kwips import attaching, events, formatting, holding
from apps.kwips.counted import Draft, counting_mark, insert_comment, insert_kwip, mark
from apps.kwips.forms import Continued
from apps.kwips.models import Favourite, Kwip, KwipTag, Mention, Revision, Tag, Tombstone, noted
from apps.kwips.queries import made_by_form, tags_of
from apps.kwips.thanks import take_back


class Gone(Exception):
    """The kwip is deleted."""


class OtherThread(Exception):
    """The answered comment belongs to another thread."""


class Made(NamedTuple):
    """A kwip or comment; ``created`` is false if an earlier request with the same form key created it."""

    kwip: Kwip
    created: bool


class Edit(NamedTuple):
    """A kwip as it is now; ``changed`` is false if it was so before."""

    kwip: Kwip
    changed: bool


def publish(
    *,
    author: User,
    text: str,
    form_key: uuid.UUID,
    content_note: str = "",
    is_plain: bool = False,
    pictures: Sequence[str] = (),
    described: attaching.Descriptions = MappingProxyType({}),
    is_sensitive: bool = False,
    followers_only: bool | None = None,
    is_held: bool = False,
    draft: Continued | None = None,
) -> Made:
    """Publishes a kwip, or returns the one with this form key. ``text`` is clean.

    ``pictures`` are the names of waiting uploads of the author; without all of them nothing is published.
    Raises `Gone`, and `attaching.Vanished`.

    The text is folded behind ``content_note``, a clean line, and formatted unless ``is_plain`` or the account
    is. ``followers_only``: None for what the account is: followers if it is private, else everyone.
    If ``is_held``, or if a check says so (`holding.register`), it waits for a moderator.
    ``draft`` is the one that the form continued: it goes in the same transaction.
    """
    is_held = is_held or holding.is_due(author, noted(content_note, text))
    new = Draft.of(
        author,
        text,
        content_note=content_note,
        is_plain=is_plain,
        is_sensitive=is_sensitive and bool(pictures),
        is_held=is_held,
    )

    def insert(key: uuid.UUID) -> Kwip | None:
        with transaction.atomic():
            inserted = insert_kwip(new, key, followers_only=followers_only)
            if inserted is None:
                transaction.set_rollback(True)
                return None
            kwip, username, added = inserted
            attaching.attach(kwip, author, pictures, described)
            counters_moved.emit(CountersMoved({author.pk: username}))
            events.published.emit(events.Published(kwip, new.tags, added, draft))
            if new.is_held:
                events.held.emit(events.Held(kwip))
            return kwip

    return _once(insert, author, form_key, thread_id=None)


def comment(
    *,
    author: User,
    thread: Kwip,
    text: str,
    form_key: uuid.UUID,
    answers: Kwip | None = None,
    track: bool | None = None,
) -> Made:
    """Adds a comment to ``thread``, or returns the one with this form key; ``answers`` is a comment.

    ``track`` is whether its author tracks the conversation from now on; None changes nothing. It may have to
    wait for a moderator, as in `publish`.
    Raises `OtherThread`, and `Gone` if the thread, the answered comment or the form's comment is deleted.
    """
    if answers is not None and answers.thread_id != thread.pk:
        raise OtherThread
    draft = Draft.of(author, text, is_held=holding.is_due(author, text))
    answers_id = answers.pk if answers else None

    def insert(key: uuid.UUID) -> Kwip | None:
        with transaction.atomic():
            inserted = insert_comment(draft, key, thread_id=thread.pk, answers_id=answers_id, track=track)
            if inserted is None:
                transaction.set_rollback(True)
                return None
            made, locked, threads_tags, username, added = inserted
            counters_moved.emit(CountersMoved({author.pk: username}))
            events.commented.emit(events.Commented(made, locked, draft.tags, threads_tags, added))
            if draft.is_held:
                events.held.emit(events.Held(made))
            return made

    return _once(insert, author, form_key, thread_id=thread.pk)


def _once(
    insert: Callable[[uuid.UUID], Kwip | None], author: User, form_key: uuid.UUID, *, thread_id: int | None
) -> Made:
    """Inserts, or returns what an earlier request with the form key inserted. Raises `Gone`.

    A key that belongs to another kind, or to another thread, is replaced by a new one.
    """
    if (made := insert(form_key)) is not None:
        return Made(made, created=True)
    if (before := _made_by_form(author, form_key)).thread_id == thread_id:
        return Made(before, created=False)
    if (made := insert(uuid.uuid4())) is None:
        raise Gone
    return Made(made, created=True)


@transaction.atomic
def edit(
    *,
    kwip: Kwip,
    text: str,
    content_note: str | None = None,
    is_plain: bool | None = None,
    pictures: Sequence[str] | None = None,
    described: attaching.Descriptions = MappingProxyType({}),
    is_sensitive: bool | None = None,
) -> Edit:
    """Replaces the text, its note and its format, and stores the former ones; replaces the pictures.

    None for what it is; the same again changes nothing. Raises `Gone`, and `attaching.Vanished`.
    """
    locked = _lock(kwip.pk)
    has_others = has_new_pictures = False
    if pictures is not None and locked.thread_id is None:
        has_others = attaching.change(locked, locked.author, pictures, described)
        has_new_pictures = has_others or bool(pictures) or locked.is_sensitive
        locked.is_sensitive = bool(is_sensitive and pictures)
    before = locked.text, locked.content_note, locked.is_formatted
    note = before[1] if content_note is None else content_note
    is_formatted = before[2] if is_plain is None else not is_plain
    if before == (text, note, is_formatted) and not has_new_pictures:
        return Edit(locked, changed=False)
    comments = (
        list(locked.comments.only("thread_id", "visibility", "audience_id")) if locked.comments_count else []
    )
    if before != (text, note, is_formatted) or has_others:
        Revision.objects.create(
            kwip=locked,
            text=locked.text,
            content_note=locked.content_note,
            is_formatted=locked.is_formatted,
            written_at=locked.edited_at or locked.created_at,
        )
        locked.edited_at = timezone.now()
    locked.text, locked.content_note, locked.is_formatted = text, note, is_formatted
    locked.version += 1
    fields = ["text", "content_note", "is_formatted", "is_sensitive", "edited_at", "version"]
    locked.save(update_fields=fields)
    if comments:  # their cards quote the kwip
        locked.comments.update(version=F("version") + 1)
    events.edited.emit(events.Edited(locked, comments, _index_words_again(locked)))
    return Edit(locked, changed=True)


def delete(*, kwip: Kwip) -> None:
    """Deletes a kwip with its comments, or one comment; stores a tombstone. Raises `Gone`."""
    if not delete_all(kwip_ids=[kwip.pk]):
        raise Gone


@transaction.atomic
def delete_all(*, kwip_ids: Collection[int]) -> int:
    """`delete` for a batch; skips kwips that are deleted. Returns how many kwips and comments it deleted."""
    locked, doomed = _lock_doomed(kwip_ids)
    if not doomed:
        return 0
    changes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    shrinking: Counter[int] = Counter()
    for gone in doomed.values():
        changes[gone.author_id]["comments_count" if gone.thread_id else "kwips_count"] -= 1
        if gone.thread_id is not None and gone.thread_id not in doomed:
            shrinking[gone.thread_id] += 1
    threads = [locked[thread_id] for thread_id in shrinking]
    tags = tags_of(*doomed.values(), *threads)
    favourites = Favourite.objects.filter(kwip_id__in=doomed).values_list("user_id")
    for user_id, number in favourites.annotate(number=Count("pk")):
        changes[user_id]["favourites_count"] -= number
    Tombstone.objects.bulk_create(
        Tombstone(
            kwip_id=gone.pk,
            author_id=gone.author_id,
            public=not gone.followers_only,
            audience_id=gone.audience_id,
            form_key=gone.form_key,
        )
        for gone in doomed.values()
    )
    if any(gone.thread_id for gone in doomed.values()):  # the cards of answers link to what they answer
        Kwip.objects.filter(answers__in=doomed).update(version=F("version") + 1)
    attaching.release([gone.pk for gone in doomed.values() if gone.thread_id is None])
    Kwip.objects.filter(pk__in=doomed).delete()
    MutedConversation.objects.filter(kwip_id__in=doomed).delete()
    _shrink(shrinking)
    move_counters(changes)
    take_back(doomed.values())
    events.deleted.emit(events.Deleted(list(doomed.values()), threads, tags))
    return len(doomed)


def _lock_doomed(kwip_ids: Collection[int]) -> tuple[dict[int, Kwip], dict[int, Kwip]]:
    """Locks kwips and the threads of comments, then the comments of kwips. Returns (all locked, to delete).

    A comment is locked after its thread or alone, so the second step cannot deadlock with the first.
    """
    wanted = set(kwip_ids)
    comments = Kwip.objects.filter(pk__in=wanted, thread__isnull=False)
    threads = set(comments.values_list("thread_id", flat=True))
    rows = Kwip.objects.select_related("author").defer("text")
    rows = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    locked = {kwip.pk: kwip for kwip in rows.filter(pk__in=wanted | threads)}
    doomed = {pk: kwip for pk, kwip in locked.items() if pk in wanted}
    roots = [pk for pk, kwip in doomed.items() if kwip.thread_id is None]
    doomed |= {kwip.pk: kwip for kwip in rows.filter(thread_id__in=roots)}
    return locked, doomed


def _shrink(threads: Mapping[int, int]) -> None:
    """Updates the threads that lost comments; ``threads`` has the number lost by thread id.

    They keep the time of their last activity: while a visitor reads by activity, no kwip moves down, to be
    shown a second time.
    """
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for thread_id, number in threads.items():
        alike[number].append(thread_id)
    for number, thread_ids in alike.items():
        Kwip.objects.filter(pk__in=thread_ids).update(
            comments_count=F("comments_count") - number, version=F("version") + 1
        )


def delete_piece(*, kwip_ids: Collection[int], limit: int = 100) -> int:
    """Deletes these kwips, or first a batch of their comments if they are many. Returns 0 when done.

    Each call is one bounded transaction, so a removal can be interrupted and resumed.
    """
    below = Kwip.objects.filter(thread_id__in=kwip_ids).values_list("pk", flat=True)
    first = list(below[: 2 * limit])
    return delete_all(kwip_ids=first if len(first) == 2 * limit else kwip_ids)


def delete_some_of(*, author_id: int, limit: int = 100) -> int:
    """Deletes a batch of what a person wrote, with its comments. Returns 0 when done."""
    written = Kwip.objects.filter(author=author_id).order_by("pk").values_list("pk", flat=True)
    batch = list(written.filter(thread__isnull=True)[:limit])
    batch = batch or list(written.filter(thread__isnull=False)[:limit])
    return delete_piece(kwip_ids=batch, limit=limit) if batch else 0


def favourite(*, kwip: Kwip, user: User) -> int:
    """Adds a favourite, once. Returns the kwip's number of favourites. Raises `Gone`."""
    return _mark(kwip, user, "favourite", by=1)


def unfavourite(*, kwip: Kwip, user: User) -> int:
    """Removes a favourite. Returns the kwip's number of favourites. Raises `Gone`."""
    return _mark(kwip, user, "unfavourite", by=-1)


def _mark(kwip: Kwip, user: User, statement: str, *, by: int) -> int:
    locks = [counting_mark("favourites_count"), counting("favourites_count")]
    with transaction.atomic():
        if (marked := mark(statement, kwip.pk, user.pk, by=by, locks=locks)) is not None:
            counters_moved.emit(CountersMoved({user.pk: marked.username}))
            event = events.favourited if by > 0 else events.unfavourited
            event.emit(events.Favourited(marked.kwip, user, marked.tags))
            return marked.kwip.favourites_count
        transaction.set_rollback(True)  # it is a favourite already, or none
    count = Kwip.objects.filter(pk=kwip.pk).values_list("favourites_count", flat=True).first()
    if count is None:
        raise Gone
    return count


def _lock(kwip_id: int) -> Kwip:
    rows = Kwip.objects.select_related("author").select_for_update(no_key=True, of=("self",))
    if (kwip := rows.filter(pk=kwip_id).first()) is None:
        raise Gone
    return kwip


def _made_by_form(author: User, form_key: uuid.UUID) -> Kwip:
    """The kwip with this form key. Raises `Gone`, also if there is none: then its thread is deleted."""
    found = made_by_form(author.pk, form_key)
    kwip = found and Kwip.objects.select_related("author").filter(pk=found.kwip_id).first()
    if not kwip:
        raise Gone
    return kwip


def _index_words_again(kwip: Kwip) -> set[str]:
    """Updates tags and mentions to a new text. Returns the names of the former and the new tags."""
    tags, named = formatting.tags_and_mentions(kwip.text, formatted=kwip.is_formatted)
    before = tags_of(kwip).get(kwip.pk, set())
    if gone := before.difference(tags):
        KwipTag.objects.filter(kwip=kwip, tag__in=Tag.objects.filter(name__in=gone)).delete()
    _add_tags(kwip, set(tags) - before)
    people = ids_of(named)
    Mention.objects.filter(kwip=kwip).exclude(user_id__in=people).delete()
    _add_mentions(kwip, people)
    return before.union(tags)


def _add_tags(kwip: Kwip, names: Collection[str]) -> None:
    # Sorted, so that two kwips with the same new tags cannot deadlock.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)
    ids = Tag.objects.filter(name__in=names).values_list("pk", flat=True)
    KwipTag.objects.bulk_create([KwipTag(tag_id=tag, kwip=kwip) for tag in ids], ignore_conflicts=True)


def _add_mentions(kwip: Kwip, people: Collection[int]) -> None:
    Mention.objects.bulk_create([Mention(kwip=kwip, user_id=user) for user in people], ignore_conflicts=True)
