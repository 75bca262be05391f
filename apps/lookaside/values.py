"""The format of an entry: bytes or JSON, signed, with its schema and expiry. Never pickle.

An entry is a signature (HMAC-SHA-256 over the key, memcached's flags and everything after the signature), the
schema, the time when it expires, and the body. An attacker who can write to memcached can't forge a value,
move one to another key, or extend its life.

A process verifies and parses a small JSON entry (a session, a user, a generation) once: it remembers the
result under all that determines it, the signed bytes included. Each reader gets a copy of its own.
"""

import enum
import hmac
import json
import struct
import time
import zlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

BYTES: Final = 1
JSON: Final = 2
COMPRESSED: Final = 4

COMPRESS_ABOVE = 4096
# memcached takes items of up to 1 MiB, its own header and the key included.
LARGEST = 1_048_576 - 512

# The JSON entries that a process remembers, in bytes and in number: 7 MB at most, and 3 MB of real ones.
REMEMBERED_BYTES = 2000
REMEMBERED = 1024

_CONTAINERS = {dict, list}

SIGNATURE_BYTES = 32
HEADER = struct.Struct(">Id")
# `json.loads` spends half its time on white space around the text; entries have none.
from_json = json.JSONDecoder().raw_decode


class Missing(enum.Enum):
    """No usable value. `None` is a value: a cached "does not exist"."""

    MISSING = 0


MISSING: Final = Missing.MISSING


class Entry(NamedTuple):
    """A value as a store holds it."""

    flags: int
    data: bytes


def encode(key: bytes, value: object, *, schema: int, ttl: float) -> Entry:
    """The entry of ``key`` for ``value``, which expires after ``ttl`` seconds.

    Raises TypeError, ValueError or RecursionError for a value that is neither bytes nor JSON.
    """
    if isinstance(value, bytes):
        flags, body = BYTES, value
    else:
        flags, body = JSON, json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    if len(body) > COMPRESS_ABOVE:
        smaller = zlib.compress(body, 1)
        if len(smaller) < len(body):
            flags, body = flags | COMPRESSED, smaller
    content = HEADER.pack(schema, time.time() + ttl) + body
    return Entry(flags, signature(signing_keys()[0], key, flags, content) + content)


def decode(key: bytes, entry: Entry, *, schema: int) -> Any | Missing:
    """The value in ``entry``; MISSING if its signature is wrong, its schema another, or it has expired.

    Never raises: one bad entry must not spoil a batch. The value is the caller's own, to change as it likes.
    """
    is_small = entry.flags == JSON and len(entry.data) <= REMEMBERED_BYTES
    read: Callable[..., tuple[float, Any | Missing]] = _verified_once if is_small else _verified
    try:
        expires_at, value = read(signing_keys(), key, entry, schema)
        if expires_at < time.time():
            return MISSING
        return _copied(value) if is_small else value
    except (ValueError, zlib.error, RecursionError):
        return MISSING


def _verified(keys: tuple[bytes, ...], key: bytes, entry: Entry, schema: int) -> tuple[float, Any | Missing]:
    """When the entry expires, and its value; MISSING if its signature is wrong or its schema another.

    Raises ValueError, zlib.error or RecursionError for a body that can't be parsed.
    """
    signed, content = entry.data[:SIGNATURE_BYTES], entry.data[SIGNATURE_BYTES:]
    if len(content) < HEADER.size:
        return 0.0, MISSING
    for secret in keys:
        if hmac.compare_digest(signed, signature(secret, key, entry.flags, content)):
            break
    else:
        return 0.0, MISSING
    entry_schema, expires_at = HEADER.unpack_from(content)
    if entry_schema != schema:
        return 0.0, MISSING
    body = content[HEADER.size :]
    if entry.flags & COMPRESSED:
        body = zlib.decompress(body)
    return expires_at, body if entry.flags & BYTES else from_json(body.decode())[0]


# Bounded, and safe for threads. The least recently used entry is forgotten first.
_verified_once = lru_cache(maxsize=REMEMBERED)(_verified)


def _copied(value: Any) -> Any:
    """A copy of a JSON value, in half the time of parsing its text again."""
    if type(value) is dict:
        return {name: _copied(v) if type(v) in _CONTAINERS else v for name, v in value.items()}
    return [_copied(v) for v in value] if type(value) is list else value


def normalized(value: Any) -> Any:
    """``value`` with the types that a hit returns: a tuple as a list, say. Raises what `encode` raises."""
    return value if isinstance(value, bytes) else json.loads(json.dumps(value, allow_nan=False))


def signature(secret: bytes, key: bytes, flags: int, content: bytes) -> bytes:
    return hmac.digest(secret, b"%s %d %s" % (key, flags, content), "sha256")


@cache
def signing_keys() -> tuple[bytes, ...]:
    """The key that signs, then those of SECRET_KEY_FALLBACKS, which only verify."""
    return tuple(
        salted_hmac("apps.lookaside.values", "entry", secret=one, algorithm="sha256").digest()
        for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


@receiver(setting_changed)  # which tests send
def _forget_keys(*, setting: str, **_: object) -> None:
    if setting.startswith("SECRET_KEY"):
        signing_keys.cache_clear()
