"""Normalizing text, and making stored text safe for documents."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.plaintext import clean, clean_line, preserve_spaces, safe


@given(st.text(alphabet=st.characters() | st.sampled_from("a./:\u0301\u0308 \n\t\x0b"), max_size=300))
def test_cleaning_twice_is_cleaning_once(source: str) -> None:
    assert clean(clean(source)) == clean(source)
    assert clean_line(clean_line(source)) == clean_line(source)


def test_only_noncharacters_and_control_characters_are_removed() -> None:
    for point in [*range(0xD800), *range(0xE000, 0x110000)]:
        character = chr(point)
        cleaned = clean(f"a{character}b")
        is_noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
        if is_noncharacter or (
            unicodedata.category(character) == "Cc" and character not in "\0\t\n\r\x0b\x0c\x85"
        ):
            assert cleaned == "ab", hex(point)
        elif character in "\n\r\x0b\x0c\x85\u2028\u2029":
            assert cleaned == "a\nb", hex(point)
        elif unicodedata.category(character)[0] in "LMNPSZ":
            assert cleaned == unicodedata.normalize("NFC", f"a{character}b") or character in "\u2028\u2029", (
                hex(point)
            )


@pytest.mark.parametrize(
    ("source", "cleaned"),
    [
        ("a\r\nb\rc\u2028d\x0be\x0cf", "a\nb\nc\nd\ne\nf"),
        ("a" + "\n" * 1_000_000 + "b", "a\n\n\nb"),
        ("\n \n  a", "a"),
        ("  one line ", "one line"),
        ("\n    def f():\n\treturn  1\n", "    def f():\n\treturn  1"),
        ("a\u0308 https://x.org/a\u0308", "ä https://x.org/a\u0308"),
        ("ab\u202ecd\u2066", "abcd"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
    ],
)  # fmt: skip
def test_text_is_normalized(source: str, cleaned: str) -> None:
    assert clean(source) == cleaned


@pytest.mark.parametrize(
    "source",
    ["", " \n\t", "\u200b\u2060", "\u202e", "\u3164", "\ufeff", "\u034f", "\x07\x1b", "\uffff"],
)  # fmt: skip
def test_an_invisible_text_becomes_empty(source: str) -> None:
    assert clean(source) == ""


def test_a_line_has_no_breaks() -> None:
    assert clean_line(" a\x0bb\n c\ufffe") == "a b c"


def test_characters_invalid_in_documents_are_replaced() -> None:
    assert safe("a\x00\x1f\x7f\ufdd0\uffff\U0010fffe\ud800b\t\n\r") == "a" + "\ufffd" * 7 + "b\t\n\r"


def test_spaces_are_preserved_without_a_style_sheet() -> None:
    html = '<p dir="auto">  a   b<br>\tc <b>d</b> e</p>'
    assert preserve_spaces(html).replace("\xa0", "_") == '<p dir="auto">__a__ b<br>____c <b>d</b> e</p>'
