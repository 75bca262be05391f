"""Makes the earlier kwips of a person followers-only, with the comments on them: a command in batches.

A person who made their account private may ask for it. Each batch is a transaction that locks its kwips and
stores how far it came, so a command that is killed goes on there, and two at once change nothing twice. Kwips
that are published later are not concerned: they have the visibility that their form or account chose. What is
followers-only stays so when the account is public again.

Lock order: the `Narrowing`, then kwips by id, then their comments.
"""

import time

import structlog
from django.db import transaction
from django.db.models import F, Max
from django.tasks import task
from django.utils import timezone

from apps.accounts.models import User
from apps.kwips import events
from apps.kwips.models import Kwip, KwipTag, Narrowing, Visibility

log = structlog.get_logger("kwippy.kwips")

BATCH = 200  # kwips
COMMENTS = 1_000  # of a batch; a kwip with more comments takes several
SECONDS = 5.0  # after these a command enqueues its continuation, so that others of the queue run


@transaction.atomic
def begin(*, person: User) -> None:
    """Begins, or begins again from the newest kwip."""
    newest = Kwip.objects.filter(author=person, thread=None).aggregate(Max("pk"))["pk__max"] or 0
    total = User.objects.values_list("kwips_count", flat=True).get(pk=person.pk)
    fresh = Narrowing(person=person, before=newest + 1, total=total)
    values = {field.attname: getattr(fresh, field.attname) for field in Narrowing._meta.concrete_fields}
    Narrowing.objects.update_or_create(person=person, defaults=values)
    narrow.enqueue(person.pk)


@task(queue_name="bulk")
def narrow(person_id: int) -> int:
    """Makes the rest followers-only. Returns how many kwips and comments it changed."""
    until, total = time.monotonic() + SECONDS, 0
    while (changed := narrow_batch(person_id)) is not None:
        total += changed
        if time.monotonic() > until:
            narrow.enqueue(person_id)
            break
    return total


@transaction.atomic
def narrow_batch(person_id: int) -> int | None:
    """Makes a batch followers-only. Returns how many rows changed, None if nothing is left to do."""
    rows = Narrowing.objects.select_for_update(no_key=True, of=("self",)).select_related("person")
    state = rows.filter(person=person_id, finished_at=None).first()
    if state is None:
        return None
    ids = list(
        Kwip.objects.filter(author=person_id, thread=None, pk__lt=state.before)
        .order_by("-pk")
        .values_list("pk", flat=True)[:BATCH]
    )
    if not ids:
        Narrowing.objects.filter(pk=person_id).update(finished_at=timezone.now())
        log.info("kwips made followers-only", person_id=person_id, looked_at=state.looked_at)
        return None
    locked = Kwip.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    kwips = [
        kwip for kwip in locked.only("thread_id", "visibility", "audience_id") if not kwip.followers_only
    ]
    below = Kwip.objects.filter(thread__in=ids, audience=None)
    comments = list(below.only("thread_id")[:COMMENTS])
    _write(state.person, [*kwips, *comments])
    if len(comments) < COMMENTS:
        Narrowing.objects.filter(pk=person_id).update(before=ids[-1], looked_at=F("looked_at") + len(ids))
    return len(kwips) + len(comments)


def _write(author: User, kwips: list[Kwip]) -> None:
    """Their cards show it, so they get a new version. The caller holds the locks of the threads."""
    if not kwips:
        return
    ids = [kwip.pk for kwip in kwips]
    Kwip.objects.filter(pk__in=ids).update(
        visibility=Visibility.FOLLOWERS, audience=author, version=F("version") + 1
    )
    tags = set(KwipTag.objects.filter(kwip__in=ids).values_list("tag__name", flat=True))
    events.narrowed.emit(events.Narrowed(author, kwips, tags))


def state_of(person: User) -> Narrowing | None:
    return Narrowing.objects.filter(person=person).first()


def has_kwips_for_everyone(person: User) -> bool:
    return Kwip.objects.filter(author=person, thread=None, audience=None).exists()
