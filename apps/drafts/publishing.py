"""Publishes a scheduled draft: a command of the queue, due at its time.

It is published in the transaction that locks its owner and the draft, and deletes the draft. A second command
finds no draft, or another ``publish_at``.
"""

import datetime

import structlog
from django.db import transaction
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import languages
from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.drafts import mails
from apps.drafts.fields import form_to_publish
from apps.drafts.models import REASON_LIMIT, Draft
from apps.kwips import actions, attaching, composing
from apps.kwips.forms import KwipForm

log = structlog.get_logger("kwippy.drafts")

LATE = datetime.timedelta(minutes=10)  # then its command may be lost
TOO_LATE = datetime.timedelta(days=1)  # then its time has passed
BATCH = 1_000


class Changed(Exception):
    """The draft was changed while its limits were asked: the queue tries again."""


def enqueue(draft: Draft) -> None:
    """In the caller's transaction."""
    if draft.publish_at is None:
        raise ValueError("a draft without a time")
    publish_due.using(run_after=draft.publish_at).enqueue(draft.pk, draft.publish_at.isoformat())


@task(queue_name="default")
def publish_due(draft_id: int, publish_at: str) -> int | None:
    """Publishes the draft if it still has this time. Returns the kwip's id; None if it has not.

    What cannot be published is a draft again, with the reason.
    """
    at = datetime.datetime.fromisoformat(publish_at)
    draft = Draft.objects.select_related("owner").filter(pk=draft_id, publish_at=at).first()
    if draft is None:
        return None
    with languages.of(draft.owner):
        if not draft.owner.is_active:
            return _give_back(draft, _("your account was switched off when its time came."))
        if _has_warning(draft.owner_id):
            return _give_back(draft, _("a moderator wrote to you. please read that first."))
        form = form_to_publish(draft)
        if not form.is_valid():
            return _give_back(draft, _words_of(form))
        try:
            decision = composing.ask(draft.owner, form)
        except composing.Limited as refused:
            return _give_back(draft, refused.decision.message)
        try:
            made = _publish(draft, form)
        except BaseException as error:
            decision.refund()
            if isinstance(error, actions.Gone):
                return _give_back(draft, _("you published and deleted it before."))
            if isinstance(error, attaching.Vanished):
                return _give_back(draft, _("a picture of it is gone. take it out, or add it again?"))
            raise
        if made is None or not made.created:
            decision.refund()
        return made and made.kwip.pk


def _has_warning(owner_id: int) -> bool:
    """Whether the owner has not read yet what a moderator wrote."""
    owner = User.objects.of_request(owner_id)
    return owner is not None and owner.has_warning


@transaction.atomic
def _publish(read: Draft, form: KwipForm) -> actions.Made | None:
    """Publishes what was read. Raises `Changed` if the draft is another by now; None if its time is."""
    author = lock_people({read.owner_id}).get(read.owner_id)
    draft = _locked(read)
    if author is None or draft is None:
        return None
    if draft.version != read.version or not author.is_active:
        raise Changed
    made = actions.publish(author=author, **form.cleaned_data)
    draft.delete()
    log.info("scheduled kwip published", kwip_id=made.kwip.pk, person_id=author.pk)
    return made


def _locked(read: Draft) -> Draft | None:
    rows = Draft.objects.select_for_update()
    return rows.filter(pk=read.pk, publish_at=read.publish_at).first()


@transaction.atomic
def _give_back(read: Draft, why: str) -> None:
    """Makes it a draft again, once, and tells its owner."""
    if (draft := _locked(read)) is None:
        return
    draft.publish_at, draft.failed = None, why[:REASON_LIMIT]
    draft.save(update_fields=["publish_at", "failed"])
    log.info("scheduled kwip not published", draft_id=draft.pk, person_id=read.owner_id)
    if read.owner.is_active:
        mails.not_published(read.owner, draft).send()


def _words_of(form: KwipForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


@task(queue_name="default")
def enqueue_overdue() -> int:
    """Enqueues again what should be published by now; what is a day late is a draft again."""
    now = timezone.now()
    rows = Draft.objects.filter(publish_at__lt=now - LATE).select_related("owner").order_by("publish_at")
    overdue = list(rows.defer("fields")[:BATCH])
    for draft in overdue:
        if draft.publish_at and draft.publish_at < now - TOO_LATE:
            with languages.of(draft.owner):
                _give_back(draft, _("its time passed while we were away. sorry."))
        else:
            enqueue(draft)
    return len(overdue)
