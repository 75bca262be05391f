"""Recovery codes: made as they are shown, and stored as hashes.

allauth stores a seed, encrypted, from which its codes follow. Here that seed makes no code that anyone has
seen. All hashes of a person have one salt, so a try costs one hash, as a password does.
"""

import secrets

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.factors import sealing

# Where the row has them.
HASHES = "hashes"


@transaction.atomic
def make(*, user_id: int) -> list[str]:
    """New codes, whose hashes are stored; none if others were made before. Raises `limits.Busy`."""
    codes: set[str] = set()
    digits = app_settings.RECOVERY_CODE_DIGITS
    while len(codes) < app_settings.RECOVERY_CODE_COUNT:
        codes.add(f"{secrets.randbelow(10**digits):0{digits}}")
    hashes = _hashed(list(codes))
    rows = Authenticator.objects.select_for_update(no_key=True)
    row = rows.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None or HASHES in row.data:
        return []
    row.data |= {HASHES: hashes, "used_mask": 0}
    row.save(update_fields=["data"])
    return list(codes)


def use(row: Authenticator, code: str) -> bool:
    """Whether it is a code that was not used; then it is used. The caller has locked the row."""
    if HASHES not in row.data:  # codes of an earlier release, until `hash_former`
        return bool(RecoveryCodes(row).validate_code(code))
    if len(code) != app_settings.RECOVERY_CODE_DIGITS:
        return False
    place = _place(code, row.data[HASHES])
    if place is None or row.data["used_mask"] & 1 << place:
        return False
    row.data["used_mask"] |= 1 << place
    row.save(update_fields=["data"])
    return True


def hash_former(row: Authenticator) -> None:
    """Replaces the seed of codes that an earlier release has shown. Raises `Unreadable`."""
    seed = sealing.seal(RecoveryCodes.generate_seed())
    row.data |= {HASHES: _hashed(RecoveryCodes(row).generate_codes()), "seed": seed}
    row.save(update_fields=["data"])


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
