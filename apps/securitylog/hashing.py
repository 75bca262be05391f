"""Keyed hashes of what people type: equal ones can be joined, and none can be guessed without the key."""

import unicodedata
from functools import partial

from django.conf import settings
from django.utils.crypto import salted_hmac

from apps.plaintext import safe

# An address has 254 characters at most.
_LONGEST = 320

_hash = partial(salted_hmac, "apps.securitylog", algorithm="sha256")


def keyed(login: str) -> str:
    """The hash of a name or an address, in any spelling of one account; empty for an empty one."""
    folded = _folded(login)
    return _hash(folded).hexdigest()[:32] if folded else ""


def all_keyed(login: str) -> list[str]:
    """The hashes by the current key and by the former ones that `settings.SECRET_KEY_FALLBACKS` has."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_hash(_folded(login), secret=key).hexdigest()[:32] for key in keys]


def _folded(login: str) -> str:
    """All spellings of one account are the same, as for the limits; whatever was typed can be hashed."""
    return unicodedata.normalize("NFKC", safe(login[:_LONGEST])).strip().upper().lower()
