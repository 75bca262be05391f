"""Addresses in texts: their bounds, targets and display."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.kwips import links
from apps.kwips.links import addresses
from apps.kwips.tests.test_text import read
from apps.kwips.text import SHOWN_ADDRESS, to_html
from apps.plaintext import clean


def found(text: str) -> list[str]:
    return [text[address.start : address.end] for address in addresses(text)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("see https://example.org/a_(b).", ["https://example.org/a_(b)"]),
        ("(http://example.org/x)", ["http://example.org/x"]),
        ("(See http://example.com/foo().)", ["http://example.com/foo()"]),
        ("(http://example.com/foo().html)", ["http://example.com/foo().html"]),
        ("www.example.org, yes; example.org!", ["www.example.org", "example.org"]),
        ("https://example.org/a: b", ["https://example.org/a"]),
        ("https://müller.de/straße?q=ö", ["https://müller.de/straße?q=ö"]),
        ("https://пример.рф/путь пример.рф", ["https://пример.рф/путь", "пример.рф"]),
        ("write to me@example.org.", ["me@example.org"]),
        ('https://example.org/?a=1&b="2"', ['https://example.org/?a=1&b="2"']),
        ("https://w.wiki/CUd$ https://a.com?utf8=✓&q=y", ["https://w.wiki/CUd$", "https://a.com?utf8=✓&q=y"]),
        ("https://x.org/wiki/L'Été https://x.org/wiki/L’Été", ["https://x.org/wiki/L'Été", "https://x.org/wiki/L’Été"]),
        ("https://x.org/Michelson–Morley it https://x.org/a—which", ["https://x.org/Michelson–Morley", "https://x.org/a"]),
        ("https://x.org/f。次 https://x.org/日本。#日本語", ["https://x.org/f", "https://x.org/日本"]),
        ("（https://x.org/g）です 「https://x.org/c」", ["https://x.org/g", "https://x.org/c"]),
        ("https://x.org/ﾃｽﾄ（IPv6編）_ https://x.org/f（注）です", ["https://x.org/ﾃｽﾄ（IPv6編）_", "https://x.org/f"]),
        ("見てhttps://x.org/a 看https://x.org/b", ["https://x.org/a", "https://x.org/b"]),
        ("텍스트https://x.org/c", ["https://x.org/c"]),
        ("見てexample.com/x です 見てme@example.org", ["example.com/x", "me@example.org"]),
        ("https://a.com/見てhttps://b.com", ["https://a.com/見", "https://b.com"]),
        ("https://ja.wikipedia.org/wiki/日本example.com", ["https://ja.wikipedia.org/wiki/日本example.com"]),
    ],
)  # fmt: skip
def test_an_address_is_found_without_what_stands_around_it(source: str, expected: list[str]) -> None:
    assert found(source) == expected


TYPOGRAPHIC = [
    chr(point)
    for point in range(0x80, 0x20000)
    if unicodedata.category(chr(point)) in ("Pf", "Pe", "Pi", "Ps") or 0xFF01 <= point <= 0xFF0F
]


@pytest.mark.parametrize(
    "marks", [TYPOGRAPHIC, "。、！？：；，．…‥・“”‘’«»—｡､؟،؛।"], ids=["brackets", "others"]
)
def test_each_typographic_mark_ends_an_address(marks: list[str]) -> None:
    for mark in marks:
        assert found(f"https://example.com/a{mark} b") == ["https://example.com/a"], hex(ord(mark))
        assert found(f"{mark}https://example.com/a b") == ["https://example.com/a"], hex(ord(mark))


@pytest.mark.parametrize(
    ("name", "is_link"),
    [
        *((name, False) for name in ["README.md", "foo.py", "main.rs", "run.sh", "main.cc", "a.zip"]),
        *((name, False) for name in ["clip.mov", "app.properties", "index.html", "a.zz", "foo.bar.baz"]),
        *((name, False) for name in ["co.uk", "e.g.", "v1.2.3", "1.2.3.4", "no.Then"]),
        *((name, True) for name in ["example.com", "example.co.uk", "example.pl", "EXAMPLE.COM", "a.みんな"]),
        *((name, True) for name in ["example.rs/x", "www.example.rs", "http://example.rs", "x@example.md"]),
    ],
)  # fmt: skip
def test_a_file_a_suffix_and_two_sentences_are_no_addresses(name: str, is_link: bool) -> None:
    assert bool(found(f"see {name} there")) is is_link


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("example.com/path?q=1#x", "https://example.com/path?q=1#x"),
        ("http://example.com", "http://example.com"),
        ("HTTPS://Example.com/A", "HTTPS://Example.com/A"),
        ("me@example.org", "mailto:me@example.org"),
        ("https://example.com/Mu\u0308ller.pdf", "https://example.com/Mu\u0308ller.pdf"),
        ("example.com/Mu\u0308ller.pdf", "https://example.com/Mu\u0308ller.pdf"),
    ],
)  # fmt: skip
def test_an_address_leads_where_it_was_written_to_lead(source: str, target: str) -> None:
    html = to_html(clean(f"a\u0308 {source}"))
    [link] = [attrs for tag, attrs in read(html).tags if tag == "a"]
    assert link["href"] == target
    assert read(html).words == unicodedata.normalize("NFC", f"a\u0308 {source}")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("http://good.com@evil.com/", "http://evil.com/"),
        ("https://good.com:pass@evil.com/a@b", "https://evil.com/a@b"),
        ("http://good.com#@evil.com/", "http://good.com#@evil.com/"),
        ("http://good.com?@evil.com/", "http://good.com?@evil.com/"),
        (r"http://evil.com\@good.com/", r"http://evil.com\@good.com/"),
    ],
)
def test_an_address_shows_where_it_leads(source: str, shown: str) -> None:
    html = to_html(source)
    assert read(html).words == shown
    [link] = [str(attrs["href"]) for tag, attrs in read(html).tags if tag == "a" and "href" in attrs]
    assert link in (source, "http://evil.com")


@pytest.mark.parametrize(
    "source",
    [
        "https://example.com/" + "x" * 100,
        "https://example.com/" + "👨‍👩‍👧‍👦" * 40,
        "https://accounts.example.com." + "a" * 60 + "." + "b" * 60 + ".evil.com/" + "x" * 100,
    ],
)
def test_a_long_address_is_shortened_behind_its_host_and_whole_in_its_title_and_text(source: str) -> None:
    html = to_html(source)
    assert read(html).words == source
    [link] = [attrs for tag, attrs in read(html).tags if tag == "a"]
    assert link["title"] == link["href"] == source
    beginning = html.partition('<span class="cut">')[2].partition("</span>")[0]
    host_end = source.index("/", 8)
    assert host_end <= len(beginning) <= max(SHOWN_ADDRESS, host_end)
    assert not beginning.endswith("\u200d")
    assert "title" not in to_html("https://example.com/short")


# What addresses are made of, and what stands between them.
PIECES = st.sampled_from([
    "http://", "HTTPS://", "mailto:", "Mailto:", "www.", "//", ":", "/", "@", ".", "..", "…", "。", "．",
    "xn--", "p1ai", "a", "b1", "1.2.3.4", "com", "org", "co.uk", "рф", "мир", "日本", "ไทย", "🍵",
    "e\u0301", "localhost", " ", "\n", "\u00a0", "\u200b", "\u00ad", ",", "(", ")", "“", "”", "'", "’",
    "<", ">", "｜", "#", "%20", "-", "_",
])  # fmt: skip


@given(st.lists(PIECES | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join))
@example("mailto:me@com")
@example("xn--a-.com")
@example("see me.🍵.org")
def test_every_address_has_a_sign_of_one(text: str) -> None:
    """The quick search leaves out no text in which the whole search finds an address."""
    assert list(addresses(text)) == list(links._found(text))
