"""A message is rendered once, when it is enqueued; every attempt sends the same bytes."""

import copy
import email.message
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.policy import EmailPolicy
from email.utils import make_msgid
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from apps.commandqueue.models import Queue

_LINE_LIMIT = 990  # characters; RFC 5322 allows 998


class _Wire(EmailPolicy):
    """Writes a long word as it is: it can't be folded, and Python would write encoded words.

    No program decodes those in an address such as List-Unsubscribe's.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        text = str(value)
        if text.isascii() and text.split() == [text] and len(name) + len(text) < _LINE_LIMIT:
            return f"{name}: {text}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


# Every server accepts seven bits; SMTP's line end is "\r\n".
WIRE = _Wire(linesep="\r\n", cte_type="7bit")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ATTRIBUTE = "queue_options"
_TEXT_WIDTH = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """How the queue handles a message; None leaves it to the backend's OPTIONS."""

    queue_name: str | None = None
    priority: int = 0
    secret: bool = False
    expires_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message's bytes as SMTP sends them, and its envelope."""

    message_id: str
    sender: str
    recipients: list[str]
    body: bytes


def set_queue_options[M: EmailMessage](
    message: M,
    *,
    queue_name: Queue | None = None,
    priority: int = 0,
    secret: bool = False,
    expires_after: timedelta | None = None,
) -> M:
    """Set how the queue handles a message, before it is sent; returns the message.

    ``secret`` is for a message that can open an account (a reset link): its body is erased with the last
    attempt, and it can't be requeued. Other mail backends ignore these options.
    """
    options = QueueOptions(
        queue_name=queue_name, priority=priority, secret=secret, expires_after=expires_after
    )
    setattr(message, _ATTRIBUTE, options)
    return message


def auto_generated[M: EmailMessage](message: M) -> M:
    """Add ``Auto-Submitted: auto-generated`` and wrap the text; returns the message. For all mail of a site.

    Vacation responders and ticket systems do not reply to such a message (RFC 3834). An `Auto-Submitted` that
    the message already has stays.
    """
    message.extra_headers = {"Auto-Submitted": "auto-generated"} | message.extra_headers
    message.body = wrapped(str(message.body))
    return message


def wrapped(text: str) -> str:
    """``text`` in lines of at most 72 characters; longer words, such as links, stay whole."""
    return "\n".join(
        line
        if len(line) <= _TEXT_WIDTH
        else textwrap.fill(
            line,
            _TEXT_WIDTH,
            subsequent_indent=line[: len(line) - len(line.lstrip())],
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


def options_of(message: EmailMessage) -> QueueOptions:
    """What `set_queue_options` has set."""
    options: QueueOptions = getattr(message, _ATTRIBUTE, QueueOptions())
    return options


def render(message: EmailMessage) -> RenderedMessage:
    """Fix a message's bytes, Message-ID and envelope. Raises ValueError for invalid headers or addresses."""
    sender = envelope_address(message.from_email)
    recipients = [envelope_address(recipient) for recipient in message.recipients()]
    if "message-id" not in {name.lower() for name in message.extra_headers}:
        # Django would resolve this machine's host name, which can be slow, and publish it.
        domain = sender.rpartition("@")[2] or "localhost"
        message = copy.copy(message)
        message.extra_headers = message.extra_headers | {"Message-ID": make_msgid(domain=domain)}
    rendered = message.message(policy=WIRE)
    return RenderedMessage(
        message_id=str(rendered["Message-ID"]),
        sender=sender,
        recipients=list(dict.fromkeys(recipients)),
        # Servers disagree on whether a lone line feed in an attachment ends a line.
        body=_LINE_END.sub(b"\r\n", rendered.as_bytes()),
    )


def envelope_address(address: str) -> str:
    """The bare address, IDNA-encoded. Raises ValueError if it is invalid."""
    prepare: Any = EmailBackend.prep_address
    return str(prepare(None, address))


class StoredMessage(EmailMessage):
    """A message from the queue for mail backends other than SMTP; `as_bytes` returns the stored bytes."""

    def __init__(self, sender: str, recipients: Sequence[str], body: bytes) -> None:
        super().__init__(from_email=sender, to=list(recipients))
        self._body = body

    def message(self, *, policy: Any = policy.default) -> Any:
        parsed: Any = message_from_bytes(self._body, _class=_Verbatim, policy=policy)
        parsed.verbatim = self._body
        return parsed


class _Verbatim(email.message.EmailMessage):
    verbatim: bytes

    def as_bytes(self, unixfrom: bool = False, policy: Any = None) -> bytes:
        return self.verbatim
