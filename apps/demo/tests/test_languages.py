"""The language of what the invented community says, which says itself what it is written in."""

from random import Random

from apps.demo import grammar
from apps.plaintext import language_of


def test_a_language_that_is_told_is_the_right_one_and_most_long_texts_are_told() -> None:
    chance = Random(1)
    told, long = 0, 0
    for topic in grammar.read().topics:
        for opening in topic.openings:
            said = grammar.fill(opening.line, {"@friend": "ann"}, topic.slots, chance)
            language = language_of(said)
            assert language in ("", topic.language), said
            if len(said) >= 60:
                long += 1
                told += bool(language)
    assert long > 200
    assert told / long > 0.7
