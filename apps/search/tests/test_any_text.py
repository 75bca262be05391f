"""Random texts in any script against plain Python: what a text has is found, however it is typed."""

import re
import unicodedata
from collections.abc import Callable

from django.db import connection
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.search.query import Problem, parse
from apps.search.words import folded, vector

WORDS = [
    "tea", "Café", "naïve", "Straße", "don't", "tea-pot", "a_b", "x2", "Ёлка", "ΟΔΟΣ", "क़िताब", "चाय", "शांति",
    "الكتاب", "أَهْلًا", "والشاي", "שָׁלוֹם", "お茶", "ガーデン", "ｶﾞﾗｽ", "東京都", "ไม่", "한국어",
    "🎉", "’", "ǅ", "ﷺ", "①",
]  # fmt: skip
SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.lower,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
]
# Letters that no query reads as anything else.
letters = st.characters(codec="utf-8", categories=("L", "N", "M"))
pieces = st.lists(st.sampled_from(WORDS) | st.text(letters, min_size=1, max_size=6), min_size=1, max_size=8)
sloppy = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def is_found(query: str, text: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector @@ %s::tsquery", [vector(text, []), parse(query).text])
        return bool(cursor.fetchone()[0])


class AnyTextTests(TestCase):
    @sloppy
    @given(pieces, st.data())
    def test_each_part_of_a_text_is_found_in_every_spelling(
        self, text: list[str], data: st.DataObject
    ) -> None:
        first = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(first + 1, len(text)))
        spell, respell = (data.draw(st.sampled_from(SPELLINGS)) for _ in range(2))
        part = respell(" ".join(text[first:end]))
        try:
            assert is_found(f'"{part}"', spell(" ".join(text)))
        except Problem:
            assert not re.search(r"[^\W_]", folded(part)), "only what has no word cannot be looked for"

    @sloppy
    @given(st.text("東京大学コー", min_size=1, max_size=8), st.text("東京大学コー", min_size=1, max_size=3))
    def test_of_a_text_without_spaces_just_its_parts_are_found(self, text: str, part: str) -> None:
        assert is_found(part, text) == (part in text)

    @sloppy
    @given(
        st.lists(st.sampled_from(["tea", "milk", "cup", "茶"]), min_size=1, max_size=6),
        st.lists(st.sampled_from(["tea", "milk", "cup", "茶", "sugar"]), min_size=1, max_size=3),
    )
    def test_a_phrase_is_found_just_where_its_words_follow_one_another(
        self, text: list[str], phrase: list[str]
    ) -> None:
        there = f" {' '.join(phrase)} " in f" {' '.join(text)} "
        assert is_found(f'"{" ".join(phrase)}"', " ".join(text)) == there

    @sloppy
    @given(st.text(max_size=60), st.text(max_size=60))
    def test_no_text_and_no_query_is_an_error(self, text: str, query: str) -> None:
        assume("\0" not in text + query)
        try:
            is_found(query, text)
        except Problem:
            pass
