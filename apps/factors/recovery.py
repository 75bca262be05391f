"""Recovery codes: made as they are shown, and stored as hashes.

allauth stores a seed, encrypted, from which its codes follow. Here that seed makes no code that anyone has
seen. All hashes of a person have one salt, so a try costs one hash, as a password does.

Codes that an earlier release has shown follow from their seed. They stay as they are until their owner makes
new ones: that release knows the seed alone, and its containers run beside these in an upgrade, or come back.
"""

import secrets
import time

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.utils.crypto import constant_time_compare

# Where the row has them.
HASHES = "hashes"


def show(*, user_id: int) -> list[str] | None:
    """Makes the codes: empty if some were shown before, None if the person has none. Raises `limits.Busy`.

    Not inside a transaction: together, ten hashes may wait for longer than PostgreSQL lets one stand idle.
    """
    rows = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES)
    row = rows.first()
    if row is None:
        return None
    if _were_shown(row):
        return []
    codes = _made()
    hashes = _hashed(codes)
    with transaction.atomic(durable=True):
        row = rows.select_for_update(no_key=True).first()
        if row is None or _were_shown(row):  # in another tab, meanwhile
            return []
        row.data |= {HASHES: hashes, "used_mask": 0, "viewed_at": time.time()}
        row.save(update_fields=["data"])
    return codes


def use(row: Authenticator, code: str) -> bool:
    """Whether it is a code that was not used; then it is used. The caller has locked the row."""
    if HASHES not in row.data:  # codes of an earlier release
        return bool(RecoveryCodes(row).validate_code(code))
    if len(code) != app_settings.RECOVERY_CODE_DIGITS:
        return False
    place = _place(code, row.data[HASHES])
    if place is None or row.data["used_mask"] & 1 << place:
        return False
    row.data["used_mask"] |= 1 << place
    row.save(update_fields=["data"])
    return True


def _were_shown(row: Authenticator) -> bool:
    return bool(row.data.get("viewed_at"))


def _made() -> list[str]:
    codes: set[str] = set()
    digits = app_settings.RECOVERY_CODE_DIGITS
    while len(codes) < app_settings.RECOVERY_CODE_COUNT:
        codes.add(f"{secrets.randbelow(10**digits):0{digits}}")
    return list(codes)


def _hashed(codes: list[str]) -> list[str]:
    hasher = get_hasher()
    salt = hasher.salt()
    return [hasher.encode(code, salt) for code in codes]


def _place(code: str, hashes: list[str]) -> int | None:
    hasher = identify_hasher(hashes[0])
    if hasher.must_update(hashes[0]):  # parameters of an earlier release
        return next((place for place, one in enumerate(hashes) if hasher.verify(code, one)), None)
    typed = hasher.encode(code, hasher.decode(hashes[0])["salt"])
    return next((place for place, one in enumerate(hashes) if constant_time_compare(typed, one)), None)
