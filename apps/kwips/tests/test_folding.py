"""What a list shows of a long text, and how many minutes the rest takes."""

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.kwips import folding, reading, text
from apps.kwips.folding import fold
from apps.kwips.tests.test_text import CLUSTERS, HOSTILE

LONGEST = folding.FOLD_CHARACTERS + folding.LONGEST_ADDRESS
SENTENCES = {
    "english": "the ferry left at six, and i had meant to be asleep. ",
    "shouted": "the ferry left at six, and no one had told us! ",
    "quoted": "she said “the ferry left, and it was only six.” ",
    "smiling": "the ferry left at six, and we were all asleep. :) ",
    "hindi": "मैं घर जाता हूँ और वह भी कल आता है। ",
    "arabic": "هل تريد فنجانًا من القهوة في هذا الصباح؟ ",
    "urdu": "میں آج صبح جلدی اٹھا اور چائے بنائی۔ ",
    "chinese": "我今天早上六点钟就起床了，外面在下雨。",
    "japanese": "「今日は朝からずっと雨が降っています。」",
    "greek": "το καράβι έφυγε στις έξι; ",
    "lines": "the ferry left at six and i was asleep\n",
}


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
def test_a_fold_is_at_the_end_of_the_sentence_nearest_to_forty_words(sentence: str) -> None:
    beginning, has_more = fold(sentence * 12)
    shown = len(beginning + " ") // len(sentence) or 1
    assert has_more
    assert beginning == (sentence * shown).rstrip()
    nearest = min(range(1, 12), key=lambda n: abs(reading.words(sentence * n) - folding.FOLD_WORDS))
    assert shown == nearest


@pytest.mark.parametrize(
    "words",
    [
        "i saw dr. Smith today",
        "it was J. S. Bach who",
        "as e.g. in the book",
        "at example.com/a.html we",
        "3.14 is",
    ],
)
def test_not_every_full_stop_ends_a_sentence(words: str) -> None:
    beginning, has_more = fold(f"{words} " * 40)
    assert has_more
    assert reading.words(beginning) == folding.FOLD_WORDS


def test_a_text_of_a_few_words_more_is_whole() -> None:
    words = [f"w{n}" for n in range(51)]
    assert fold(" ".join(words[:50])) == (" ".join(words[:50]), False)
    assert fold(" ".join(words)) == (" ".join(words[:40]), True)
    title = "the ferry\n\n" + "it left at six and " * 20
    assert fold(title).beginning.count(" ") > 30, "a title alone is no fold"


def test_a_fold_bounds_characters_and_lines_and_cuts_no_word_that_fits() -> None:
    assert len(fold("ab " * 10 + "x" * 5000).beginning) <= folding.FOLD_CHARACTERS
    assert fold("y" * 400 + " https://example.org/" + "z" * 300) == ("y" * 400, True)
    assert fold("a\n" * 100).beginning.count("\n") < folding.FOLD_LINES
    assert fold("x" * 700) == ("x" * folding.FOLD_CHARACTERS, True)


def test_an_address_and_a_tag_are_whole_or_absent() -> None:
    address = "https://a.example/" + "b" * 800
    assert fold(f"{address} and more") == (address, True)
    assert fold(f"see {address}") == ("see", True)
    assert fold("今日" * 30 + " #" + "雨" * 40 + "が") == ("今日" * 30, True)


PIECES = [
    *CLUSTERS,
    *SENTENCES.values(),
    *HOSTILE,
    "a",
    " ",
    "\n",
    "#tea",
    "@demo",
    "word ",
    ". ",
    "https://a.com/b",
]


@settings(deadline=None)  # the tokens of a hostile text take their time
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=400).map("".join))
def test_a_fold_cuts_no_character_no_name_and_no_address_and_needs_the_beginning_alone(source: str) -> None:
    source = source.strip()
    beginning, has_more = fold(source)
    assert source.startswith(beginning)
    assert has_more == (len(beginning) < len(source))
    assert len(beginning) <= LONGEST
    assert beginning.count("\n") < folding.FOLD_LINES
    clusters = regex.findall(r"\X", beginning)
    assert clusters == regex.findall(r"\X", source)[: len(clusters)]
    assert beginning or not source
    at = 0
    for token in text.tokens(source[: folding.ENOUGH_TO_FOLD]):
        after = at + len(token.raw)
        if token.kind != "text" and at < len(beginning):
            assert after <= len(beginning) or at == 0, "an address is cut"
        at = after
    assert fold(source[: folding.ENOUGH_TO_FOLD]).beginning == beginning


@pytest.mark.parametrize(
    ("source", "minutes"),
    [
        ("word", 1), ("word " * 184, 1), ("word " * 184 * 6, 6), ("雨" * 307 * 4, 4), ("ก" * 920 * 3, 3),
        ("слово " * 184 * 2, 2), ("", 1),
    ],
)  # fmt: skip
def test_minutes_are_those_of_words_or_of_characters(source: str, minutes: int) -> None:
    assert reading.minutes(source) == minutes
    beginning = source[:600]
    assert reading.minutes(beginning, len(source.encode())) == minutes, "the beginning tells as much"


@given(st.lists(st.sampled_from(PIECES), max_size=100).map("".join), st.integers(0, 1000))
def test_the_words_of_two_parts_are_those_of_the_whole(source: str, at: int) -> None:
    cut = source.find(" ", at) % (len(source) + 1)
    assert reading.words(source[:cut]) + reading.words(source[cut:]) == pytest.approx(reading.words(source))


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=300).map("".join), st.integers(1, 60))
def test_after_so_many_words_there_are_as_many_or_the_end_is_reached(source: str, count: int) -> None:
    end = reading.after_words(source, count, 600)
    words = reading.words(source[:end])
    assert words <= count + 1
    assert words >= count or end == 600


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("the ferry\n\nit left at six", "the ferry"), ("the ferry\nit left", ""), ("the ferry", ""),
        ("the ferry\nof six\n\nit left", ""), ("x" * 80 + "\n\nit left", "x" * 80),
        ("x" * 81 + "\n\nit left", ""), ("the ferry\n\n", ""),
    ],
)  # fmt: skip
def test_a_short_first_line_above_an_empty_one_is_a_title(source: str, title: str) -> None:
    found, rest = folding.split_title(source)
    assert found == title
    assert rest == (source.removeprefix(f"{title}\n\n") if title else source)
