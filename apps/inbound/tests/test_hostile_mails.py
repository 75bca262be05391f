"""Whatever bytes come: never an exception, and an end."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inbound import parsing, quotes, texts
from apps.inbound.automatic import is_automatic

SIZE = parsing.MAX_BYTES
HEAD = b"From: ann@example.org\nMIME-Version: 1.0\n"


def read(raw: bytes) -> str:
    """All that is read of a mail before it is known whose it is, and after."""
    try:
        message = parsing.parse(raw)
    except parsing.TooMuch:
        message = parsing.head_of(raw)
    parsing.recipients(message)
    parsing.identity(message, raw)
    parsing.header(message, "Subject")
    is_automatic(message, sender=parsing.sender(message))
    list(texts.attachments(message))
    try:
        text = texts.text_of(message)
    except texts.Shortened:
        return ""
    return quotes.answer_of(text) + quotes.without_signature(text)


def nested(levels: int, kind: str = "multipart/mixed") -> bytes:
    opened = b"".join(f'Content-Type: {kind}; boundary="b{n}"\n\n--b{n}\n'.encode() for n in range(levels))
    return HEAD + opened + b"Content-Type: text/plain\n\ntea\n"


def filled(start: bytes, piece: bytes) -> bytes:
    return start + piece * ((SIZE - len(start)) // len(piece))


def encoded(encoding: bytes) -> bytes:
    return HEAD + b"Content-Transfer-Encoding: " + encoding + b"\n\n"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "one line": lambda: filled(HEAD + b"\n", b"a"),
    "line ends": lambda: filled(HEAD + b"\n", b"\n"),
    "returns": lambda: filled(HEAD + b"\n", b"\r"),
    "most lines": lambda: HEAD + b"\n" + b"a\n" * (parsing.MAX_LINES - 10),
    "most lines of html": lambda: HEAD + b"Content-Type: text/html\n\n" + b"<a\n" * (parsing.MAX_LINES - 10),
    "nested": lambda: nested(10_000),
    "most nested": lambda: nested(parsing.MAX_PARTS - 1) + b"a\n" * (parsing.MAX_LINES - 500),
    "nested mails": lambda: HEAD + b"Content-Type: message/rfc822\n\n" * 50_000,
    "many parts": lambda: filled(HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b\n\n\n"),
    "no boundary": lambda: HEAD + b"Content-Type: multipart/mixed\n\ntea",
    "headers": lambda: filled(HEAD, b"To: a@b.example, \n"),
    "most headers": lambda: HEAD + b"To: a@b.example\n" * (parsing.MAX_LINES - 100) + b"\ntea",
    "long header": lambda: filled(HEAD + b"To: ", b"a@b.example, "),
    "continued header": lambda: HEAD + b"To: a\n" + b" (((\n" * 100_000 + b"\ntea",
    "comments": lambda: HEAD + b"To: " + b"(" * 100_000 + b"\n\ntea",
    "quotes": lambda: HEAD + b"To: " + b'"' * 100_001 + b"\n\ntea",
    "encoded words": lambda: HEAD + b"Subject: " + b"=?utf-8?q?=41?= " * 10_000 + b"\n\ntea",
    "parameters": lambda: HEAD + b"Content-Type: text/plain" + b"; a*0*=utf-8''%41" * 10_000 + b"\n\ntea",
    "message-id": lambda: HEAD + b"Message-ID: " + b"<" * 50_000 + b"\n\ntea",
    "base64": lambda: filled(encoded(b"base64"), base64.b64encode(b"tea " * 19) + b"\n"),
    "broken base64": lambda: filled(encoded(b"base64"), b"=a" * 38 + b"\n"),
    "quoted-printable": lambda: filled(encoded(b"quoted-printable"), b"="),
    "uuencode": lambda: filled(encoded(b"x-uuencode") + b"begin 644 a\n", b"M" * 61 + b"\n"),
    "punycode": lambda: HEAD + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 200_000,
    "html tags": lambda: HEAD + b"Content-Type: text/html\n\n" + b"<b><i>" * 160_000,
    "html comments": lambda: HEAD + b"Content-Type: text/html\n\n" + b"<!-" * 300_000,
    "html attributes": lambda: HEAD + b"Content-Type: text/html\n\n<a " + b"b='" * 300_000,
    "html references": lambda: HEAD + b"Content-Type: text/html\n\n" + b"&#x41" * 190_000,
    "hidden html": lambda: HEAD + b"Content-Type: text/html\n\n" + b"<svg>" * 90_000 + b"</style>" * 60_000,
    "nothing": lambda: b"",
    "no headers": lambda: b"\n\n\ntea",
    "zeros": lambda: b"\x00" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_of_ten_megabytes_is_read_or_refused(name: str) -> None:
    raw = HOSTILE[name]()
    assert len(raw) <= SIZE
    read(raw)


# What a mail consists of, so that examples get behind the first line.
PIECES = st.sampled_from([
    b"\n", b"\r\n", b"\r", b" ", b"\t", b":", b";", b"<", b">", b"(", b")", b'"', b"=", b"@", b"?", b"\x00",
    b"\xff", b"--b", b"--b--", b"From: ", b"To: ", b"Cc: ", b"Subject: ", b"Message-ID: ", b"Content-Type: ",
    b"Content-Disposition: ", b"Content-Transfer-Encoding: ", b"text/plain", b"text/html", b"message/rfc822",
    b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"; charset=", b"utf-8", b"base64",
    b"quoted-printable", b"=?utf-8?b?", b"?=", b"format=flowed", b"ann@example.org", b"> ", b"-- ", b"<p>",
    b"On 9:00 ann wrote:", b"<!--", b"</p>", b"&amp;", b"Auto-Submitted: ", b"List-Id: ", b"image/png", b"[",
    b"attachment; filename*0*=", b"]", b"\\", b",",
])  # fmt: skip


@given(raw=st.lists(PIECES | st.binary(max_size=8), max_size=60).map(b"".join))
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    read(raw)


HEADERS = ("From", "To", "Subject", "Message-ID", "Content-Type", "Content-Disposition", "Precedence")
VALUES = st.text(st.sampled_from("()<>[]@,;:\\\"/?=.* a1%'-_\t"), max_size=60)


@given(name=st.sampled_from(HEADERS), value=VALUES | st.binary(max_size=60).map(repr))
def test_any_header_is_read_without_an_exception(name: str, value: str) -> None:
    read(f"{name}: {value}\n\ntea".encode("utf-8", "surrogateescape"))
