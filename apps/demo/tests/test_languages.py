"""The detected language of generated texts, against that of their scene files."""

from random import Random

from apps.demo import grammar
from apps.plaintext import language_of


def test_a_language_that_is_detected_is_the_right_one_and_most_long_texts_are_detected() -> None:
    chance = Random(1)
    detected, long = 0, 0
    for topic in grammar.read().topics:
        for opening in topic.openings:
            said = grammar.fill(opening.line, {"@friend": "ann"}, topic.slots, chance)
            language = language_of(said)
            assert language in ("", topic.language), said
            if len(said) >= 60:
                long += 1
                detected += bool(language)
    assert long > 200
    assert detected / long > 0.7
