"""What can stand in a header of a mail: one validator for each form field that ends in one.

A form asks here, so that a mail that can't be made is an error beside its field and never one of the server.
"""

import unicodedata
from email import message_from_bytes, policy
from email.errors import MessageError
from email.headerregistry import Address

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy as _

from apps.commandqueue.mail.rendering import render

# Control characters, and everything that some mail program takes for the end of a line.
_LINE_BREAKING = {"Cc", "Cs", "Zl", "Zp"}
# Names the sender and the recipient of mails that are only rendered.
_ANYONE = "anyone@kwippy.invalid"
# RFC 5321: a path of 256 characters, with its angle brackets.
LONGEST_ADDRESS = 254


def one_line(text: str) -> None:
    """Raises ValidationError where ``text`` could begin a header of its own in a mail."""
    if not is_one_line(text):
        raise ValidationError(_("a single line of ordinary characters, please."), code="lines")


def is_one_line(text: str) -> bool:
    """Whether ``text`` has no control characters and no line breaks of any kind."""
    return not any(unicodedata.category(character) in _LINE_BREAKING for character in text)


def header_text(text: str) -> None:
    """For text in a subject or beside an address. Raises ValidationError.

    Encoded words (RFC 2047, "=?utf-8?q?…?=") are refused: a mail program that decodes them shows another
    text than the one that was checked here.
    """
    one_line(text)
    _before, start, rest = text.partition("=?")
    if start and "?=" in rest:
        raise ValidationError(_("please write it without =? and ?= in it; mail programs trip over these."))
    named = str(Address(display_name=text, addr_spec=_ANYONE))
    if not _renders(EmailMessage(text, "", _ANYONE, [_ANYONE], reply_to=[named])):
        raise ValidationError(_("a single line of ordinary characters, please."), code="lines")


def header_address(address: str) -> None:
    """For an address that mail goes to. Raises ValidationError."""
    if (
        len(address) > LONGEST_ADDRESS
        or "=?" in address
        or not is_one_line(address)
        or not _renders(EmailMessage("", "", address, [address]))
    ):
        raise ValidationError(_("that's no address that our mail can go to."), code="invalid")


def _renders(message: EmailMessage) -> bool:
    """Whether the queue can take the message, and each of its headers is one line after decoding."""
    try:
        return all(is_one_line(value) for value in decoded(render(message).body))
    except (ValueError, IndexError, MessageError):
        return False


def decoded(body: bytes) -> list[str]:
    """The headers of a message as a mail program shows them."""
    return [str(value) for value in message_from_bytes(body, policy=policy.default).values()]
