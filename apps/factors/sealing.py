"""Encrypts the secrets of second factors, by a key derived from `SECRET_KEY`.

What a former key encrypted can be read while the key is in `SECRET_KEY_FALLBACKS`.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """None of the site's keys encrypted it."""


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises `Unreadable`."""
    try:
        return _box().decrypt(sealed).decode()
    except (InvalidToken, ValueError) as error:
        raise Unreadable from error


def reseal(sealed: str) -> str:
    """The same, by the present key. Raises `Unreadable`."""
    return seal(unseal(sealed))


def is_by_present_key(sealed: str) -> bool:
    try:
        _fernet(settings.SECRET_KEY).decrypt(sealed)
    except (InvalidToken, ValueError):
        return False
    return True


def _box() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=8)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"apps.factors").derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
