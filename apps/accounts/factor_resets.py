"""A person who lost all second factors: an operator has them taken off, after three days and several mails.

    ask (an operator) ─▶ mails ─▶ a day before: mails ─▶ reset_due: factors off, sessions ended, mails
             │
             └─ cancel: by the link in the mail, on a page of the settings, or by any use of a factor

An attacker who talked an operator into it waits three days, in which the owner hears of it and stops it. A
worker that was down sends the second mail first, and gives a day after it.
"""

import datetime
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import signing
from django.db import InterfaceError, OperationalError, transaction
from django.tasks import task
from django.urls import reverse
from django.utils import timezone

from apps.accounts import browsers, leaving
from apps.accounts.counters import lock_people
from apps.accounts.models import FactorReset, User
from apps.securitylog import Event, record

DAYS = 3
REMINDED = datetime.timedelta(days=1)  # before the day, and at least so long
# A worker that was down for long waits a day more after its mail: the links of that day still work.
_LINK = datetime.timedelta(days=60)
_SALT = "kwippy.accounts.factor_resets"  # links in sent mails depend on it

log = structlog.get_logger(__name__)


class NothingToReset(Exception):
    """The person has no second factor."""


@transaction.atomic
def ask(*, person: User, by: User | None) -> FactorReset:
    """Begins the wait, and mails. ``by`` is None for the command line. Raises `NothingToReset`.

    A reset that waits already keeps its date.
    """
    lock_people({person.pk})
    if not Authenticator.objects.filter(user=person).exists():
        raise NothingToReset
    now = timezone.now()
    defaults = {"asked_at": now, "due_at": now + datetime.timedelta(days=DAYS), "asked_by": by}
    reset, is_new = FactorReset.objects.get_or_create(user=person, defaults=defaults)
    if is_new:
        record(Event.FACTORS_RESET_ASKED, user_id=person.pk, by=by.pk if by else None)
        _tell(reset)
    return reset


@transaction.atomic
def cancel(*, person_id: int, way: str) -> bool:
    """Ends the wait: the factors stay. False if nothing waited."""
    lock_people({person_id})
    if not FactorReset.objects.filter(pk=person_id).delete()[0]:
        return False
    record(Event.FACTORS_RESET_CANCELLED, user_id=person_id, way=way)
    return True


def cancel_by_use(sender: object, user: User, **_details: Any) -> None:
    """A receiver of allauth's `authenticator_used`: who can use a factor has not lost it."""
    if FactorReset.objects.filter(pk=user.pk).exists():
        cancel(person_id=user.pk, way="a second factor")


@task(queue_name="now")
def reset_due() -> int:
    """Sends the second mails, and takes off the factors that are due. Returns how many people's.

    Raises RuntimeError if some failed, after all others.
    """
    number = failed = 0
    soon = FactorReset.objects.filter(due_at__lte=timezone.now() + REMINDED)
    for person_id in soon.order_by("due_at").values_list("pk", flat=True):
        try:
            number += _step(person_id)
        except (OperationalError, InterfaceError):
            raise  # so would the others
        except Exception:
            failed += 1
            log.exception("second factors not taken off", user_id=person_id)
    if failed:
        raise RuntimeError(f"the second factors of {failed} people could not be taken off")
    return number


@transaction.atomic
def _step(person_id: int) -> bool:
    person = lock_people({person_id}).get(person_id)
    reset = FactorReset.objects.select_related("user").filter(pk=person_id).first()
    now = timezone.now()
    if person is None or reset is None:
        return False
    if not reset.is_reminded:
        reset.due_at = max(reset.due_at, now + REMINDED)
        reset.is_reminded = True
        reset.save(update_fields=["due_at", "is_reminded"])
        _tell(reset)
        return False
    if reset.due_at > now:
        return False
    reset.delete()
    if not Authenticator.objects.filter(user=person).delete()[0]:
        return False  # the person took them off
    leaving.end_sessions(person.pk)
    browsers.forget(person)
    record(Event.FACTORS_RESET, user_id=person.pk)
    _mail("account/email/factors_reset", person, {"factors_url": settings.SITE_URL + reverse("mfa_index")})
    return True


def _tell(reset: FactorReset) -> None:
    context = {"due_at": reset.due_at, "stay_url": settings.SITE_URL + way_to_stay(reset)}
    _mail("account/email/factors_reset_asked", reset.user, context)


def _mail(template: str, person: User, context: dict[str, Any]) -> None:
    """To every confirmed address: the one that an attacker reads must not be the only one."""
    addresses = EmailAddress.objects.filter(user=person, verified=True).order_by("pk")
    for address in list(addresses.values_list("email", flat=True)) or [person.email]:
        get_adapter().render_mail(template, address, {"user": person} | context).send()


def way_to_stay(reset: FactorReset) -> str:
    """The path of the page that cancels; signed, and void once the wait is over."""
    token = signing.dumps([reset.pk, reset.asked_at.isoformat()], salt=_SALT)
    return reverse("factors_stay", args=[token])


def by_token(token: str) -> FactorReset | None:
    try:
        person_id, asked_at = signing.loads(token, salt=_SALT, max_age=_LINK)
    except signing.BadSignature:
        return None
    moment = datetime.datetime.fromisoformat(asked_at)
    return FactorReset.objects.select_related("user").filter(pk=person_id, asked_at=moment).first()


def waiting(person: User) -> FactorReset | None:
    return FactorReset.objects.select_related("user").filter(pk=person.pk).first()
