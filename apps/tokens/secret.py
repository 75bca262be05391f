"""The secret of a token: what a program sends."""

import hashlib
import re
from base64 import urlsafe_b64encode
from secrets import token_hex

from django.utils.crypto import salted_hmac

# So that people, and programs that look for published secrets, know it when they see one.
PREFIX = "kwippy_"
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_KEY = re.compile(r"[0-9a-f]{64}")


def new_key() -> str:
    """The key of a form that makes a token: 256 random bits."""
    return token_hex(32)


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def of_form(owner_id: int, key: str) -> str:
    """The secret that this form makes, the same each time that it is sent."""
    made = salted_hmac("apps.tokens", f"{owner_id}:{key}", algorithm="sha256").digest()
    return PREFIX + urlsafe_b64encode(made).decode().rstrip("=")


def digest_of(secret: str) -> str | None:
    """What the database has of the secret; None for a text that is none, for which no query is needed.

    The database compares digests. How long that takes reveals nothing of a secret: the digest of a guess
    cannot be chosen.
    """
    if _SHAPE.fullmatch(secret) is None:
        return None
    return hashlib.sha256(secret.encode()).hexdigest()
