"""Validators for form fields whose text ends in a mail header.

An invalid text is then an error of its form field, and not an exception while the message is rendered.
"""

import unicodedata
from email import message_from_bytes, policy
from email.errors import MessageError
from email.headerregistry import Address

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy as _

from apps.commandqueue.mail.rendering import render

# Unicode categories of control characters, and of characters that a mail program may take for a line end.
_LINE_BREAKING = {"Cc", "Cs", "Zl", "Zp"}
# Sender and recipient of a message that is only rendered, to validate it.
_PLACEHOLDER = "anyone@example.invalid"
# RFC 5321: a path of 256 characters, with its angle brackets.
LONGEST_ADDRESS = 254


def validate_one_line(text: str) -> None:
    """Raises ValidationError if ``text`` has a line break, which could begin another header."""
    if not is_one_line(text):
        raise ValidationError(_("a single line of ordinary characters, please."), code="lines")


def is_one_line(text: str) -> bool:
    """Whether ``text`` has no control characters and no line breaks of any kind."""
    return not any(unicodedata.category(character) in _LINE_BREAKING for character in text)


def validate_header_text(text: str) -> None:
    """For a subject or a display name. Raises ValidationError.

    Encoded words (RFC 2047, "=?utf-8?q?…?=") are invalid: a mail program would decode them and show a text
    that was not validated.
    """
    validate_one_line(text)
    _before, start, rest = text.partition("=?")
    if start and "?=" in rest:
        raise ValidationError(_("please write it without =? and ?= in it; mail programs trip over these."))
    named = str(Address(display_name=text, addr_spec=_PLACEHOLDER))
    if not _renders(EmailMessage(text, "", _PLACEHOLDER, [_PLACEHOLDER], reply_to=[named])):
        raise ValidationError(_("a single line of ordinary characters, please."), code="lines")


def validate_header_address(address: str) -> None:
    """For a recipient's address. Raises ValidationError."""
    if (
        len(address) > LONGEST_ADDRESS
        or "=?" in address
        or not is_one_line(address)
        or not _renders(EmailMessage("", "", address, [address]))
    ):
        raise ValidationError(_("that's no address that our mail can go to."), code="invalid")


def _renders(message: EmailMessage) -> bool:
    """Whether the message can be rendered, and each of its headers is one line after decoding."""
    try:
        return all(is_one_line(value) for value in decoded(render(message).body))
    except (ValueError, IndexError, MessageError):
        return False


def decoded(body: bytes) -> list[str]:
    """The headers of a message, decoded as a mail program shows them."""
    return [str(value) for value in message_from_bytes(body, policy=policy.default).values()]


def as_header_text(text: str) -> str:
    """``text`` as one line without encoded words, for a subject made of text that people wrote."""
    return "".join(char if is_one_line(char) else " " for char in text).replace("=?", "= ?")
