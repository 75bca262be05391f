"""After a change of `SECRET_KEY`: the new one encrypts all secrets, before the former is forgotten."""

import structlog
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from apps.factors import sealing

BATCH = 200
# Where a row keeps what is sealed.
_PLACES = ("secret", "seed")

log = structlog.get_logger(__name__)


def reseal_all() -> int:
    """Encrypts by the present key what a former one did. Returns how many rows; 0 without a former key."""
    if not settings.SECRET_KEY_FALLBACKS:
        return 0
    done, after = 0, 0
    rows = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk")
    while ids := list(rows.filter(pk__gt=after).values_list("pk", flat=True)[:BATCH]):
        done += sum(_reseal(pk) for pk in ids)
        after = ids[-1]
    return done


@transaction.atomic
def _reseal(pk: int) -> bool:
    """A row at a time: a sign-in that uses its code waits no longer than that."""
    row = Authenticator.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:
        return False
    former = {
        place: row.data[place]
        for place in _PLACES
        if place in row.data and not sealing.is_by_present_key(row.data[place])
    }
    try:
        row.data |= {place: sealing.reseal(sealed) for place, sealed in former.items()}
    except sealing.Unreadable:
        log.error("factor_unreadable", user=row.user_id, type=row.type)
        return False
    if former:
        row.save(update_fields=["data"])
    return bool(former)
