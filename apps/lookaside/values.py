"""What lies in memcached: bytes or JSON, signed, with its schema and its end. Never pickle.

An entry is a signature (HMAC-SHA-256 over the key, memcached's flags and all that follows), the schema, the
time after which it is void, and the body. So whoever can write to memcached can neither make a value up, nor
move one to another key, nor keep an old one alive beyond its time.
"""

import enum
import hmac
import json
import struct
import time
import zlib
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils.crypto import salted_hmac

BYTES: Final = 1
JSON: Final = 2
COMPRESSED: Final = 4

COMPRESS_ABOVE = 4096
# memcached takes items of up to 1 MiB, its own header and the key included.
LARGEST = 1_048_576 - 512

SIGNATURE_BYTES = 32
HEADER = struct.Struct(">Id")
# Half of `json.loads` is looking for space around what we have written ourselves.
from_json = json.JSONDecoder().raw_decode


class Missing(enum.Enum):
    """No usable value. `None` is a value: it says that there is no such thing."""

    MISSING = 0


MISSING: Final = Missing.MISSING


class Entry(NamedTuple):
    """A value as a store holds it."""

    flags: int
    data: bytes


def encode(key: bytes, value: object, *, schema: int, ttl: float) -> Entry:
    """``value`` as the entry of ``key``, void after ``ttl`` seconds.

    Raises TypeError, ValueError or RecursionError for what is neither bytes nor JSON.
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
    """The value in ``entry``, or MISSING for one that isn't ours, is of another schema or past its time.

    Never raises: one bad value must not cost a page the good ones.
    """
    signed, content = entry.data[:SIGNATURE_BYTES], entry.data[SIGNATURE_BYTES:]
    if len(content) < HEADER.size:
        return MISSING
    for secret in signing_keys():
        if hmac.compare_digest(signed, signature(secret, key, entry.flags, content)):
            break
    else:
        return MISSING
    its_schema, void_after = HEADER.unpack_from(content)
    if its_schema != schema or void_after < time.time():
        return MISSING
    try:
        body = content[HEADER.size :]
        if entry.flags & COMPRESSED:
            body = zlib.decompress(body)
        return body if entry.flags & BYTES else from_json(body.decode())[0]
    except (ValueError, zlib.error, RecursionError):
        return MISSING


def normal(value: Any) -> Any:
    """``value`` as it will come back from the cache: a tuple as a list, an integer key as a string.

    Raises what `encode` raises. Callers then see one shape, whether a value was cached or not.
    """
    return value if isinstance(value, bytes) else json.loads(json.dumps(value, allow_nan=False))


def signature(secret: bytes, key: bytes, flags: int, content: bytes) -> bytes:
    return hmac.digest(secret, b"%s %d %s" % (key, flags, content), "sha256")


def signing_keys() -> tuple[bytes, ...]:
    """The key that signs, then those of earlier secrets, whose values are still read."""
    return derived_keys(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def derived_keys(secret: str, fallbacks: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(
        salted_hmac("apps.lookaside.values", "entry", secret=one, algorithm="sha256").digest()
        for one in (secret, *fallbacks)
    )
