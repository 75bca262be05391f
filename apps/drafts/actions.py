"""Writes of drafts. Each locks the owner, then the draft."""

import datetime
import json
import uuid
from enum import Enum
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.drafts import pictures, publishing
from apps.drafts.fields import Fields, is_empty, kept_pictures, key_of, text_of
from apps.drafts.models import Draft
from apps.kwips.queries import made_by_form

MOST = 100  # drafts of a person


class Empty(Exception):
    """There is nothing to keep."""


class TooMany(Exception):
    """The person has `MOST` drafts."""


class Published(Exception):
    """The form was published with these words: there is nothing left to keep."""


class Kept(Enum):
    HERE = "here"
    APART = "apart"  # the draft was changed elsewhere: this is another one


class Saved(NamedTuple):
    draft: Draft
    kept: Kept


@transaction.atomic
def save(*, owner: User, fields: Fields, form_key: uuid.UUID, version: int = 0) -> Saved:
    """Keeps what a composer has: in its draft, or in a new one. ``version`` is the one that it continues.

    A draft that was changed elsewhere stays as it is, and what is sent is kept apart. Sent twice, it is kept
    once. Raises `Empty`, `TooMany`, `Published`.
    """
    if is_empty(fields):
        raise Empty
    lock_people({owner.pk})
    draft = Draft.objects.filter(owner=owner, form_key=form_key).first()
    if draft is None:
        # A save that the network delayed arrives after the form was published.
        if (key := key_of(form_key, fields)) and made_by_form(owner.pk, key) is not None:
            raise Published
        return Saved(_create(owner, fields, form_key, max(1, version)), Kept.HERE)
    if draft.fields == fields:
        return Saved(draft, Kept.HERE)
    # A greater version is of a save whose answer the page did not wait for, and which did not arrive.
    if version >= draft.version or _adds_to(draft.fields, fields):
        gone = set(kept_pictures(draft.fields)) - set(kept_pictures(fields))
        draft.fields, draft.failed, draft.changed_at = fields, "", timezone.now()
        draft.version = max(draft.version, version) + 1
        draft.save(update_fields=["fields", "failed", "changed_at", "version"])
        pictures.keep(draft)
        pictures.let_go(owner.pk, gone)
        return Saved(draft, Kept.HERE)
    apart = uuid.uuid5(form_key, json.dumps(fields, sort_keys=True))
    earlier = Draft.objects.filter(owner=owner, form_key=apart).first()
    return Saved(earlier or _create(owner, fields, apart, 1), Kept.APART)


def _create(owner: User, fields: Fields, form_key: uuid.UUID, version: int) -> Draft:
    if Draft.objects.filter(owner=owner).count() >= MOST:
        raise TooMany
    draft = Draft.objects.create(
        owner=owner, fields=fields, form_key=form_key, version=version, changed_at=timezone.now()
    )
    pictures.keep(draft)
    return draft


def _adds_to(before: Fields, after: Fields) -> bool:
    """Whether nothing that is kept is lost: the text goes on, and all else is the same."""
    return text_of(after).startswith(text_of(before)) and {**before, "text": []} == {**after, "text": []}


@transaction.atomic
def delete(*, owner: User, draft_id: int) -> None:
    if (draft := _locked(owner, draft_id)) is not None:
        _drop(draft)


def _drop(draft: Draft) -> None:
    draft.delete()
    pictures.let_go(draft.owner_id, kept_pictures(draft.fields))


@transaction.atomic
def schedule(*, owner: User, draft_id: int, publish_at: datetime.datetime) -> bool:
    """Publishes the draft at that time, and not at an earlier choice. Returns False if it is gone."""
    draft = _locked(owner, draft_id)
    if draft is None:
        return False
    if draft.publish_at != publish_at:
        draft.publish_at, draft.failed = publish_at, ""
        draft.save(update_fields=["publish_at", "failed"])
        pictures.keep(draft)
        publishing.enqueue(draft)
    return True


@transaction.atomic
def cancel(*, owner: User, draft_id: int) -> bool:
    """Makes it a draft without a time. Returns False if it is gone: published, or deleted."""
    draft = _locked(owner, draft_id)
    if draft is None:
        return False
    draft.publish_at = None
    draft.save(update_fields=["publish_at"])
    return True


def _locked(owner: User, draft_id: int) -> Draft | None:
    lock_people({owner.pk})
    return Draft.objects.select_for_update(no_key=True).filter(owner=owner, pk=draft_id).first()


@transaction.atomic
def forget_published(*, owner_id: int, form_key: uuid.UUID, version: int, text: str) -> None:
    """Deletes the draft of a form that is published, unless it has other words by now.

    Inside the transaction that publishes, which has counted the kwip and so locked its author.
    """
    rows = Draft.objects.select_for_update().filter(owner=owner_id, form_key=form_key)
    draft = rows.first()
    if draft is None:
        return
    # The page did not wait for the answer to its last save, which had a part of the words.
    is_its_last_save = draft.version == version + 1 and text.startswith(text_of(draft.fields))
    if draft.version <= version or is_its_last_save:
        _drop(draft)
