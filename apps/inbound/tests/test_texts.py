"""The text of a mail, whatever its parts, charsets and encodings."""

import pytest

from apps.inbound.parsing import parse
from apps.inbound.texts import Shortened, text_of

HEAD = b"From: ann@example.org\nMIME-Version: 1.0\n"


def read(headers: str, body: bytes) -> str:
    return text_of(parse(HEAD + headers.encode() + b"\n\n" + body))


def multipart(kind: str, *parts: tuple[str, bytes]) -> tuple[str, bytes]:
    boundary = f"b{abs(hash((kind, parts)))}"
    body = b"".join(
        b"--" + boundary.encode() + b"\n" + headers.encode() + b"\n\n" + content + b"\n"
        for headers, content in parts
    )
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"',
        body + b"--" + boundary.encode() + b"--\n",
    )


NO_CHARSETS = ("unknown-8bit", "x-nonsense", "zlib", "hex", "idna", "punycode", "undefined", "a" * 3_000)
PLAIN, HTML = "Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", "grüße, ¿qué tal? 茶".encode()),
        ("iso-8859-1", "grüße, ¿qué tal?".encode("latin-1")),
        ("windows-1252", "grüße “so”".encode("cp1252")),
        ("shift_jis", "お茶".encode("shift_jis")),
        ("koi8-r", "чай".encode("koi8-r")),
    ],
)
def test_a_charset_is_decoded(charset: str, body: bytes) -> None:
    assert read(f"Content-Type: text/plain; charset={charset}", body) == body.decode(charset)


@pytest.mark.parametrize("charset", NO_CHARSETS)
def test_what_is_no_charset_is_read_as_the_likeliest(charset: str) -> None:
    assert read(f"Content-Type: text/plain; charset={charset}", "grüße".encode()) == "grüße"
    assert read(f"Content-Type: text/plain; charset={charset}", "grüße".encode("cp1252")) == "grüße"


def test_encodings_are_decoded_and_damaged_ones_as_far_as_possible() -> None:
    assert read(PLAIN + "\nContent-Transfer-Encoding: base64", b"Z3LDvMOfZQ==") == "grüße"
    assert read(PLAIN + "\nContent-Transfer-Encoding: quoted-printable", b"gr=C3=BC=C3=9F=\ne") == "grüße"
    assert (
        read(PLAIN + "\nContent-Transfer-Encoding: quoted-printable", b"100 =% sure =ZZ") == "100 =% sure =ZZ"
    )
    assert "tea" in read(PLAIN + "\nContent-Transfer-Encoding: nonsense", b"tea")


def test_flowed_lines_are_joined_and_others_are_not() -> None:
    flowed = b"a kettle \nthat sings\n\n  two spaces\n> quoted \n> on\n-- \nann"
    assert (
        read(PLAIN + "; format=flowed", flowed) == "a kettle that sings\n\n two spaces\n> quoted on\n-- \nann"
    )
    assert read(PLAIN, b"a kettle \nthat sings") == "a kettle \nthat sings"
    assert read(PLAIN + "; format=flowed; delsp=yes", "お \n茶".encode()) == "お茶"


def test_plain_text_is_read_before_html_unless_it_is_empty() -> None:
    both = (PLAIN, b"plain"), (HTML, b"<p>markup</p>")
    assert read(*multipart("alternative", *both)) == "plain"
    assert read(*multipart("alternative", *reversed(both))) == "plain"
    assert read(*multipart("alternative", (PLAIN, b" \n"), both[1])) == "markup"
    related = multipart("related", both[1], ("Content-Type: image/png", b"picture"))
    assert read(*multipart("alternative", related, both[0])) == "plain"


def test_texts_around_a_picture_are_both_read_and_attached_ones_are_not() -> None:
    parts = (PLAIN, b"before"), ("Content-Type: image/png", b"x"), (PLAIN, b"after")
    attached = (PLAIN + "\nContent-Disposition: attachment; filename=a.txt", b"attached")
    forwarded = ("Content-Type: message/rfc822", HEAD + b"Subject: x\n\nsomebody else's")
    assert read(*multipart("mixed", *parts, attached, forwarded)) == "before\nafter"


def test_html_becomes_text() -> None:
    html = (
        "<html><head><title>no</title><style>p { color: red }</style></head><body><p>hello&nbsp;<b>you</b>"
        " &amp;\nall</p><p>two<br>lines</p><ul><li>tea</li><li>milk</li></ul><script>no()</script>"
        "<pre>  as\n  typed</pre><blockquote>said</blockquote><div class='gmail_quote'>no</div>no</body>"
    )
    expected = "hello you & all\n\ntwo\nlines\n\n- tea\n- milk\n\n  as\n  typed\n\n> said"
    assert read(HTML, html.encode()) == expected


def test_a_text_that_is_longer_than_what_is_read_is_not_shortened_in_silence() -> None:
    with pytest.raises(Shortened):
        read(PLAIN, b"tea " * 300_000)


def test_a_mail_without_text_has_none() -> None:
    assert read("Content-Type: image/png\nContent-Transfer-Encoding: base64", b"aaaa") == ""
    assert read(*multipart("encrypted", ("Content-Type: application/pgp-encrypted", b"x"))) == ""
