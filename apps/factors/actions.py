"""Uses the codes of second factors."""

import structlog
from allauth.mfa.models import Authenticator
from django.db import transaction

from apps.factors import recovery, sealing, totp
from apps.factors.queries import Kind

log = structlog.get_logger(__name__)


@transaction.atomic
def use_code(*, user_id: int, code: str) -> Authenticator | None:
    """The factor whose code it is, or None. The code counts no more: the row's lock decides between two."""
    rows = Authenticator.objects.select_for_update(no_key=True).filter(
        user_id=user_id, type__in=(Kind.TOTP, Kind.RECOVERY_CODES)
    )
    # The app first: it is what most people type.
    for row in sorted(rows, key=lambda row: row.type != Kind.TOTP):
        try:
            found = _use_step(row, code) if row.type == Kind.TOTP else recovery.use(row, totp.digits(code))
        except sealing.Unreadable:
            log.error("factor_unreadable", user=user_id, type=row.type)
            continue
        if found:
            return row
    return None


def _use_step(row: Authenticator, code: str) -> bool:
    secret = sealing.unseal(row.data["secret"])
    step = totp.step_of(secret, code, after=row.data.get("step", -1))
    if step is not None:
        row.data["step"] = step
        row.save(update_fields=["data"])
    return step is not None
