"""The two kinds of addresses that mail comes to, both made by the template `INBOUND_ADDRESS`.

- *Secret*: random, a person's own; a mail to it becomes a kwip. It is the credential.
- *Reply*: `Reply-To` of a notice's mail. Signed; for one person and one conversation, until its day.

Their letters are those of base32, in lower case: mail servers may change the case of an address.
"""

import base64
import datetime
import hashlib
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.notifications.queries import Line

TOKEN = "{token}"  # noqa: S105 - its place in the template
SECRET, REPLY = "k", "r"
LOCAL_LIMIT = 64  # characters before the @ (RFC 5321)
_SECRET_BYTES, _SIGNATURE_BYTES = 20, 10
_EPOCH = datetime.date(2026, 1, 1)


class Reply(NamedTuple):
    """Who may answer what. ``answers`` is the comment that the notice was about, 0 for none."""

    person_id: int
    thread_id: int
    answers: int
    last_day: datetime.date


def is_on() -> bool:
    return TOKEN in settings.INBOUND_ADDRESS


def of_token(token: str) -> str:
    return str(settings.INBOUND_ADDRESS).replace(TOKEN, token)


def token_of(address: str) -> str:
    """The token in an address of the template, "" if it is none."""
    before, _, after = settings.INBOUND_ADDRESS.lower().partition(TOKEN)
    address = address.strip().lower()
    fits = len(address) > len(before) + len(after) and address.startswith(before) and address.endswith(after)
    return address[len(before) : len(address) - len(after)] if fits else ""


def secret_token(person_id: int, form_key: uuid.UUID) -> str:
    """The token that a form makes: the same form makes the same one."""
    digest = salted_hmac("apps.inbound.secret", f"{person_id}:{form_key}", algorithm="sha256").digest()
    return SECRET + _encode(digest[:_SECRET_BYTES])


def hash_of(token: str) -> str:
    """What is stored of a token. It has 160 random bits, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def of_line(person_id: int, line: Line) -> str:
    """`Reply-To` of the mail of a notice; "" if it is not about a conversation, or mail is not received."""
    if not is_on() or line.thread_id is None or line.kwip_id is None:
        return ""
    last_day = timezone.now().date() + datetime.timedelta(days=settings.INBOUND_REPLY_DAYS)
    answers = line.kwip_id if line.is_about_comment else 0
    for answered in (answers, 0):
        address = of_token(reply_token(Reply(person_id, line.thread_id, answered, last_day)))
        if len(address.partition("@")[0]) <= LOCAL_LIMIT:
            return address
    return ""


def reply_token(reply: Reply) -> str:
    """The numbers, as short as they are, and their signature."""
    days = (reply.last_day - _EPOCH).days
    numbers = (reply.person_id, _unsigned(reply.thread_id), _unsigned(reply.answers), days)
    payload = b"".join(map(_packed, numbers))
    return REPLY + _encode(payload + _signature(payload, settings.SECRET_KEY))


def reply_of(token: str) -> Reply | None:
    """None if it is not one of ours, or its day is over."""
    data = _decode(token.removeprefix(REPLY)) if token.startswith(REPLY) else b""
    payload, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not payload or not any(constant_time_compare(_signature(payload, key), signature) for key in keys):
        return None
    person_id, thread_id, answers, days = _unpacked(payload)
    last_day = _EPOCH + datetime.timedelta(days=days)
    if last_day < timezone.now().date():
        return None
    return Reply(person_id, _signed(thread_id), _signed(answers), last_day)


def _signature(payload: bytes, key: str) -> bytes:
    return salted_hmac("apps.inbound.reply", payload, secret=key, algorithm="sha256").digest()[
        :_SIGNATURE_BYTES
    ]


def _encode(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _decode(text: str) -> bytes:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return b""


def _unsigned(number: int) -> int:
    """Ids of imported kwips are below zero: the lowest bit is the sign."""
    return number * 2 if number >= 0 else -number * 2 - 1


def _signed(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def _packed(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that another byte follows."""
    packed = bytearray()
    while number > 127:
        packed.append(number & 127 | 128)
        number >>= 7
    return bytes([*packed, number])


def _unpacked(payload: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in payload:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
