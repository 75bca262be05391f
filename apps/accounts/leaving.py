"""Leaving the site: the account is hidden at once, and deleted after `DAYS` (`erasing`).

Each function locks the person, then their `Leaving` row.
"""

import datetime
from importlib import import_module

import structlog
from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts import actions, erasing
from apps.accounts.counters import lock_people
from apps.accounts.models import Leaving, OffReason, User
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.accounts")

DAYS = 14
_SALT = "kwippy.accounts.leaving"  # links in sent mails depend on it


class RunsTheSite(Exception):
    """A superuser, or the last operator, cannot leave: the site would be without one."""


class TooLate(Exception):
    """The deletion has begun, or the person is not leaving."""


def runs_the_site(user: User) -> bool:
    others = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser or (user.is_staff and not others.exists())


@transaction.atomic
def leave(*, user: User) -> Leaving:
    """Hides the account, ends its sessions, and mails the date and the way back. Raises `RunsTheSite`.

    A person who is leaving already keeps their date.
    """
    person = lock_people({user.pk})[user.pk]
    if runs_the_site(person):
        raise RunsTheSite
    now = timezone.now()
    due_at = now + datetime.timedelta(days=DAYS)
    leaving, is_new = Leaving.objects.get_or_create(user=person, defaults={"asked_at": now, "due_at": due_at})
    if not is_new:
        return leaving
    actions.switch_off(people=[person], by=person, reason=OffReason.LEAVING)
    record(Event.DELETION_ASKED, user_id=person.pk)
    end_sessions(person.pk)
    context = {"user": person, "due_at": due_at, "back_url": settings.SITE_URL + way_back(leaving)}
    get_adapter().render_mail("account/email/leaving", person.email, context).send()
    return leaving


@transaction.atomic
def delete_at_once(*, person: User) -> None:
    """Hides the account and begins its deletion; there is no way back. Raises `RunsTheSite`."""
    person = lock_people({person.pk})[person.pk]
    if runs_the_site(person):
        raise RunsTheSite
    Leaving.objects.update_or_create(
        user=person, defaults={"due_at": timezone.now(), "progress": erasing.BEGUN}
    )
    actions.switch_off(people=[person], by=None, reason=OffReason.LEAVING)
    record(Event.DELETION_ASKED, user_id=person.pk, way="the command line")
    end_sessions(person.pk)
    erasing.erase_due.enqueue()


@transaction.atomic
def come_back(*, leaving: Leaving) -> bool:
    """Shows the account again. Returns False if a moderator keeps it off. Raises `TooLate`."""
    person = lock_people({leaving.pk}).get(leaving.pk)
    if person is None or not Leaving.objects.filter(pk=person.pk, progress="").delete()[0]:
        raise TooLate
    record(Event.CAME_BACK, user_id=person.pk)
    return bool(actions.switch_on(people=[person], by=person, reason=OffReason.LEAVING))


def end_sessions(person_id: int, limit: int | None = None) -> int:
    """Ends the person's sessions. Returns how many."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    sessions = list(UserSession.objects.filter(user=person_id)[:limit])
    for session in sessions:
        store.delete(session.session_key)
        session.delete()
    return len(sessions)


def of_person(user: User) -> Leaving | None:
    """The row of a person who is leaving and can still come back."""
    return Leaving.objects.select_related("user").filter(pk=user.pk, progress="").first()


def way_back(leaving: Leaving) -> str:
    """The path of the page on which the person comes back; signed, and void once they did."""
    token = signing.dumps([leaving.pk, leaving.asked_at.isoformat()], salt=_SALT)
    return reverse("come_back", args=[token])


def by_token(token: str) -> Leaving | None:
    try:
        person_id, asked_at = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    moment = datetime.datetime.fromisoformat(asked_at)
    rows = Leaving.objects.select_related("user").filter(progress="")
    return rows.filter(pk=person_id, asked_at=moment).first()
