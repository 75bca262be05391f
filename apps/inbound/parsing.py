"""Reading a mail by Python's `email`, within bounds, since mail is untrusted input.

What would take time is refused before it is done: bytes and lines before parsing, parts while parsing. A
header is cut to `HEADER_LIMIT` before its grammar is applied, whose time grows faster than its length; a
header that the grammar fails on is read as plain text.
"""

import hashlib
from email import message_from_bytes
from email.message import EmailMessage as Message
from email.policy import EmailPolicy
from email.utils import getaddresses
from itertools import islice
from typing import Any

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 200_000  # 10 MiB of base64 are 140,000
MAX_PARTS = 50
HEADER_LIMIT = 4_000  # characters
HEAD_BYTES = 64 * 1024  # of the headers of a mail that is too large
_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
_MAX_RECIPIENTS = 50
# Some programs give all their mails one of these.
_NO_ID = {"", "<>"}


class TooMuch(Exception):
    """The mail has more bytes, lines or parts than are read."""


class _Policy(EmailPolicy):
    """`email.policy.default`, with bounded headers, none of which raises."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name[:HEADER_LIMIT], value[:HEADER_LIMIT]

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:  # the grammar has holes: IndexError, AttributeError, RecursionError and others
            return super().header_fetch_parse("X-Unreadable", "")


def parse(raw: bytes) -> Message:
    """Raises `TooMuch`."""
    if len(raw) > MAX_BYTES or max(raw.count(b"\n"), raw.count(b"\r")) > MAX_LINES:
        raise TooMuch
    return _parsed(raw)


def head_of(raw: bytes) -> Message:
    """The headers alone, of a mail that is too much to read."""
    head = raw[:HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return _parsed(head + b"\n\n")


def _parsed(raw: bytes) -> Message:
    made = 0

    def make(policy: Any = None) -> Message:
        nonlocal made
        made += 1
        if made > MAX_PARTS:
            raise TooMuch
        return Message(policy=policy)

    parsed: Any = message_from_bytes(raw, policy=_Policy(message_factory=make))
    return parsed


def header(message: Message, name: str) -> str:
    """The first header of that name, as text of one line; "" without one."""
    return " ".join(str(message.get(name) or "").split())


def recipients(message: Message, envelope: str = "") -> list[str]:
    """The addresses that the mail may have come to: the envelope's first, since it is the true one."""
    found = [address for name in _RECIPIENTS for address in _addresses(message, name, most=5)]
    return list(dict.fromkeys([*filter(None, [envelope]), *found]))[:_MAX_RECIPIENTS]


def sender(message: Message) -> str:
    """The one address of From in lower case, "" if there is none or more than one."""
    found = _addresses(message, "From", most=2)
    return found[0].lower() if len(found) == 1 else ""


def _addresses(message: Message, name: str, *, most: int) -> list[str]:
    """The addresses in the first headers of that name: `get_all` would parse all of them."""
    raw = (value for key, value in message.raw_items() if key.lower() == name.lower())
    values = [str(message.policy.header_fetch_parse(name, value)) for value in islice(raw, most)]
    try:
        return [address for _name, address in getaddresses(values) if address]
    except Exception:  # as above
        return []


def identity(message: Message, raw: bytes) -> str:
    """The Message-ID; of a mail without one, a hash of its bytes."""
    found = header(message, "Message-ID")
    return hashlib.sha256(raw).hexdigest() if found in _NO_ID else found
