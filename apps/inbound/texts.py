"""The text of a mail: of its parts, those that a mail program would show first, decoded."""

import codecs
from collections.abc import Iterator

from apps.inbound import flowed, markup
from apps.inbound.parsing import Message

# Bytes of a text part that are read. The longest kwip has 100,000 characters; the rest may be quoted.
MOST = 1_000_000
# Codecs that are no charset, or whose time grows with the square of the length.
_NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


class Shortened(Exception):
    """A text is longer than what is read."""


def text_of(message: Message) -> str:
    """The text to read, "" if there is none. Raises `Shortened`."""
    return "\n".join(filter(None, (text.strip("\r\n") for text in _texts(message))))


def attachments(message: Message) -> Iterator[Message]:
    """The parts that are pictures, attached or shown in the text, in their order."""
    kind = message.get_content_maintype()
    if kind == "image":
        yield message
    elif kind != "message":  # a mail that is attached was written by someone else
        for part in message.iter_parts():
            yield from attachments(part)  # type: ignore[arg-type]


def _texts(part: Message) -> Iterator[str]:
    kind = part.get_content_type()
    if part.is_multipart():
        if kind.startswith("message/"):
            return  # a mail that is attached was written by someone else
        children: list[Message] = list(part.iter_parts())  # type: ignore[arg-type]
        if kind == "multipart/alternative":
            yield from _best_of(children)
            return
        for child in children:
            yield from _texts(child)
    elif kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment":
        yield _decoded(part, is_html=kind == "text/html")


def _best_of(alternatives: list[Message]) -> Iterator[str]:
    """Plain text before HTML, if there are words in it: some programs send an empty one."""
    found: list[str] = []
    for child in sorted(alternatives, key=lambda child: child.get_content_type() != "text/plain"):
        found = list(_texts(child))
        if any(text.strip() for text in found):
            break
    yield from found


def _decoded(part: Message, *, is_html: bool) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    if len(data) > MOST:
        raise Shortened
    text = _as_text(data, str(part.get_content_charset("utf-8")))
    if is_html:
        return markup.as_text(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if str(part.get_param("format", "")).lower() == "flowed":
        return flowed.joined(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _as_text(data: bytes, charset: str) -> str:
    """By the charset that the part names, if it is one; else by the likeliest."""
    try:
        name = codecs.lookup(charset).name
        if name.replace("-", "_") not in _NO_CHARSETS:
            return data.decode(name, "replace")
    except (LookupError, ValueError):
        pass  # no charset, or one that is not of text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
