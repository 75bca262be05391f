"""Folding and splitting: what is found, in any script."""

import pytest

from apps.search.query import parse
from apps.search.words import LONGEST_WORD, MOST_WORDS, folded, vector, words

ALIKE = [
    ("Café", "cafe"),
    ("CAFE\N{COMBINING ACUTE ACCENT}", "café"),
    ("Straße", "STRASSE"),
    ("Smørrebrød", "smorrebrod"),
    ("ŁÓDŹ", "lodz"),
    ("İstanbul", "istanbul"),
    ("ΆΛΛΟΣ", "αλλος"),
    ("Ёлка", "елка"),
    ("ｋｗｉｐ", "kwip"),
    ("ｶﾞｷﾞ", "ガギ"),
    ("ﬁne", "fine"),
    ("أَهْلًا", "اهلا"),
    ("کتاب", "كتاب"),
    ("שָׁלוֹם", "שלום"),
    ("क़लम", "कलम"),
    ("Việt", "viet"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_spellings_of_a_word_are_folded_to_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


DIFFERENT = [("か", "が"), ("は", "ぱ"), ("कि", "की"), ("ไม่", "ใหม่"), ("гора", "гороа")]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_letters_that_make_another_word_stay(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_folding_twice_changes_nothing() -> None:
    for one, other in ALIKE + DIFFERENT:
        assert folded(folded(one)) == folded(one)
        assert folded(folded(other)) == folded(other)


def test_an_unspaced_script_is_indexed_by_characters_and_pairs() -> None:
    assert list(words("茶飲む, tea")) == [
        ("茶", 1),
        ("茶飲", 1),
        ("飲", 2),
        ("飲む", 2),
        ("む", 3),
        ("tea", 4),
    ]


def test_a_run_is_looked_for_by_its_pairs_and_a_word_beside_it_by_its_distance() -> None:
    assert parse("東京大学").text == "('東京' <1> '京大' <1> '大学')"
    assert parse("茶").text == "'茶'"
    assert parse("IPv6編集").text == "('ipv6' <1> '編集')"
    assert parse("茶屋tea").text == "('茶屋' <2> 'tea')"


def test_a_text_of_any_length_has_a_bounded_vector() -> None:
    longest = vector(" ".join(f"word{number}" for number in range(100_000)), [])
    assert longest.count("'") // 2 <= MOST_WORDS
    assert len(vector("茶" * 100_000, []).encode()) < 1_000_000
    hostile = vector(" ".join(f"{'𒀀' * 60}{number}" for number in range(5_000)), [])
    assert len(hostile.encode()) < 1_000_000
    assert all(len(word) <= LONGEST_WORD for word, _ in words("x" * 500))


@pytest.mark.parametrize("text", ["", "!?…", "'", "\\", "''\\'", "a'b", "c:\\d", "🎉🎉", "\u200d", "_'_"])
def test_no_text_makes_a_vector_that_is_not_one(text: str) -> None:
    found = vector(text, [])
    assert found.count("'") % 2 == 0
    assert "\\" not in found
    assert "''" not in found
