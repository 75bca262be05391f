"""Invitations: a member's links, each for one person, who then joins as invited by that member.

The token is derived from the form's key, so a form that is sent twice makes one invitation and shows one
link. Only its hash is stored: neither the database nor a backup contains a usable link.
"""

import datetime
import hashlib
import uuid
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts import events
from apps.accounts.counters import lock_people
from apps.accounts.models import Invitation, User
from apps.keyset import KeysetOrder, Page, from_queryset, paginate

_SESSION_KEY = "invitation"
_BATCH = 1000
PAGE_SIZE = 40


class TooMany(Exception):
    """The member has `INVITATIONS_OPEN` open invitations."""


def token_for(inviter: User, form_key: uuid.UUID) -> str:
    """The token of the invitation that this form makes."""
    return salted_hmac(
        "apps.accounts.invitations", f"{inviter.pk}:{form_key}", algorithm="sha256"
    ).hexdigest()[:40]


def invite(*, inviter: User, note: str, form_key: uuid.UUID) -> str:
    """Creates an invitation, once for each ``form_key``, and returns its token. Raises `TooMany`."""
    token = token_for(inviter, form_key)
    expires = timezone.now() + datetime.timedelta(days=settings.INVITATION_DAYS)
    with transaction.atomic():
        lock_people({inviter.pk})  # so that invitations made at the same time are counted
        if not Invitation.objects.filter(token_hash=_hash(token)).exists():
            if opened_by(inviter).count() >= settings.INVITATIONS_OPEN:
                raise TooMany
            Invitation.objects.create(inviter=inviter, token_hash=_hash(token), note=note, expires_at=expires)
    return token


def revoke(*, inviter: User, invitation_id: int) -> None:
    """Deletes an open invitation; repeatable. One that was taken stays."""
    Invitation.objects.filter(pk=invitation_id, inviter=inviter, taken_by=None).delete()


def by_token(token: str) -> Invitation | None:
    """The open invitation with this token."""
    return _open().filter(token_hash=_hash(token)).first()


def opened_by(inviter: User) -> QuerySet[Invitation]:
    """The member's open invitations, newest first."""
    return _open().filter(inviter=inviter).order_by("-pk")


def taken_from(inviter: User, arguments: Mapping[str, str]) -> Page[User]:
    """The active members whom ``inviter`` invited, newest first. Raises `BadCursor`."""
    rows = Invitation.objects.filter(inviter=inviter, taken_by__is_active=True).select_related("taken_by")
    order = KeysetOrder(f"invited by {inviter.pk}")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    return page.with_items([found.taken_by for found in page if found.taken_by is not None])


def store(request: HttpRequest, invitation: Invitation) -> None:
    """Stores the invitation in the session, for the sign-up form."""
    request.session[_SESSION_KEY] = invitation.pk


def current(request: HttpRequest) -> Invitation | None:
    """The session's invitation, while it is open."""
    pk = request.session.get(_SESSION_KEY)
    return _open().filter(pk=pk).first() if pk else None


def discard(request: HttpRequest) -> None:
    request.session.pop(_SESSION_KEY, None)


def is_open(invitation_id: int | None) -> bool:
    return invitation_id is not None and _open().filter(pk=invitation_id).exists()


def lock_open(invitation_id: int | None) -> Invitation | None:
    """Locks the invitation, if it is open: two people cannot take it."""
    rows = _open().select_for_update(of=("self",))
    return rows.filter(pk=invitation_id).first() if invitation_id is not None else None


def take(invitation: Invitation, *, invited: User) -> None:
    """Records who joined by the invitation, which the caller locked."""
    invitation.taken_by = invited
    invitation.save(update_fields=["taken_by"])
    events.invitation_taken.emit(events.InvitationTaken(invitation.inviter, invited))


def sweep() -> int:
    """Deletes expired invitations that no one took, in batches, and returns their number."""
    swept = 0
    expired = Invitation.objects.filter(expires_at__lte=timezone.now(), taken_by=None)
    while ids := list(expired.values_list("pk", flat=True)[:_BATCH]):
        Invitation.objects.filter(Q(pk__in=ids), taken_by=None).delete()
        swept += len(ids)
    return swept


def _open() -> QuerySet[Invitation]:
    """Neither taken nor expired, by an active member. A revoked one is deleted."""
    rows = Invitation.objects.select_related("inviter").filter(taken_by=None, inviter__is_active=True)
    return rows.filter(expires_at__gt=timezone.now()) if settings.INVITATIONS_OPEN else rows.none()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
