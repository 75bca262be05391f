"""Mail on its way into the queue and out of it: rendered once, and the same bytes ever after."""

import copy
import email.message
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.utils import make_msgid
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from apps.commandqueue.models import Lane

# Seven bits pass every server on the way; "\r\n" is what the wire wants.
WIRE = policy.SMTP.clone(cte_type="7bit")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ATTRIBUTE = "command"
_TEXT_WIDTH = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How the queue is to treat a message; None leaves it to the mailer's OPTIONS."""

    lane: str | None = None
    priority: int = 0
    secret: bool = False
    expires_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it goes over the wire, and its envelope."""

    message_id: str
    sender: str
    recipients: list[str]
    body: bytes


def mark[M: EmailMessage](
    message: M,
    *,
    lane: Lane | None = None,
    priority: int = 0,
    secret: bool = False,
    expires_after: timedelta | None = None,
) -> M:
    """Say how the queue is to treat a message that is sent afterwards; returns the message.

    ``secret`` is for what opens an account (a reset link): its body is erased with its last attempt and it is
    never requeued. Mailers other than the queue's ignore all of this.
    """
    handling = Handling(lane=lane, priority=priority, secret=secret, expires_after=expires_after)
    setattr(message, _ATTRIBUTE, handling)
    return message


def automatic[M: EmailMessage](message: M) -> M:
    """Say that no person wrote a message, and wrap its text; returns it. For every mail that the site sends.

    Programs that answer mail by themselves (holidays, tickets) leave such a message unanswered (RFC 3834). An
    `Auto-Submitted` that the message has already stays.
    """
    message.extra_headers = {"Auto-Submitted": "auto-generated"} | message.extra_headers
    message.body = wrapped(str(message.body))
    return message


def wrapped(text: str) -> str:
    """``text`` with no line longer than 72 characters but for what has no space in it, such as a link."""
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


def handling_of(message: EmailMessage) -> Handling:
    """What `mark` said of a message."""
    handling: Handling = getattr(message, _ATTRIBUTE, Handling())
    return handling


def render(message: EmailMessage) -> Rendered:
    """Fix a message's bytes, Message-ID, envelope; raises ValueError for impossible headers or addresses."""
    sender = _address(message.from_email)
    recipients = [_address(recipient) for recipient in message.recipients()]
    if "message-id" not in {name.lower() for name in message.extra_headers}:
        # Django would ask the resolver for this machine's name, which may take its time, and publish it.
        domain = sender.rpartition("@")[2] or "localhost"
        message = copy.copy(message)
        message.extra_headers = message.extra_headers | {"Message-ID": make_msgid(domain=domain)}
    rendered = message.message(policy=WIRE)
    return Rendered(
        message_id=str(rendered["Message-ID"]),
        sender=sender,
        recipients=list(dict.fromkeys(recipients)),
        # A lone line feed in an attachment is one server's line end and another's data.
        body=_LINE_END.sub(b"\r\n", rendered.as_bytes()),
    )


def _address(address: str) -> str:
    """The bare address, IDNA-encoded; raises ValueError for anything else."""
    prepare: Any = EmailBackend.prep_address
    return str(prepare(None, address))


class Stored(EmailMessage):
    """A message from the queue for mailers that take Django's messages: its bytes are what they were."""

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
