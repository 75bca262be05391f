"""Invents people: user names, names to show, a few words about themselves, and how they write."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from math import gcd
from pathlib import Path
from random import Random

from apps.feeds.community.grammar import Book, Opening, Topic, fill, line

USERNAME_LENGTH = 30
ENGLISH_OF_OTHERS = 2  # topics in English of those who also write in another language

# Nobody's name, and plausible as somebody's user name.
_FIRSTS = """
    slow paper lantern quiet tiny copper velvet salty foggy second pocket winter amber distant wooden minor
    sleepy double little blue rusty northern gentle odd almost early late lemon silver mossy plain soft
    crooked borrowed midnight humble spare ginger hollow sunny dusty pickled wandering mostly secret
""".split()
_LASTS = """
    train fish boat kettle heron fox moth otter teapot bicycle window pebble noodle biscuit comet ladder
    button sparrow spoon harbour radish umbrella badger marmalade thimble postcard acorn pickle puffin
    turnip library orchard snail magpie cardigan tram cabbage lighthouse typewriter walrus mitten plum
""".split()
_PLACES = """
    porto leipzig ghent cork pune tartu lyon bergen cardiff mysore graz turin aarhus oaxaca granada leith
    utrecht kochi brno malmo nantes ljubljana gdansk lucca coimbra nagano alexandria tunis hove bath
""".split()
_BIOS = tuple(
    line(said)
    for said in (
        "",
        "",
        "{a}",
        "{a}",
        "{a} {b}",
        "{a} {b}",
        "{b} {a} {place}.",
        "{a} mostly in {place}.",
        "{place}. {a}",
        "here since {since}. {a}",
        "{a} {b} [opinions borrowed|replies slowly, means well|be kind, it's free|she, and also late|he, and a bike|ask me anything, i know little].",
    )
)
_SMILEYS = (":)", ":)", ":-)", ":D", ":P", ";)", "^^", ":o)", "🙂", "☕", "🌱", "✨")
_SENTENCE = re.compile(r"(?:^|[.!?…]\s+|\n)([\"“¿¡]?[a-zà-ÿ])")


@dataclass(slots=True)
class Person:
    """Somebody, and how they write. ``joined`` is in microseconds of Unix time; so are all times here."""

    id: int
    username: str
    call: str
    display_name: str
    bio: str
    joined: int
    topics: tuple[Topic, ...]
    dormant: bool = False
    lower: bool = True
    bare: bool = False
    smiley: str = ""
    start: int = 0
    stride: int = 1
    turn: int = 0

    @property
    def languages(self) -> set[str]:
        return {topic.language for topic in self.topics}

    def next_opening(self) -> Opening:
        """Walks through all openings of this person's topics, in an order of their own."""
        total = sum(len(topic.openings) for topic in self.topics)
        index = (self.start + self.turn * self.stride) % total
        self.turn += 1
        for topic in self.topics:
            if index < len(topic.openings):
                return topic.openings[index]
            index -= len(topic.openings)
        raise AssertionError("unreachable")

    def says(self, words: str, chance: Random) -> str:
        """The words as this person types them."""
        words = words.lower() if self.lower else capitals(words)
        if self.bare and words.endswith(".") and not words.endswith(".."):
            words = words[:-1]
        if self.smiley and words[-1] in ".!" and chance.random() < 0.25:
            words = f"{words[:-1] if self.bare else words} {self.smiley}"
        return words


def capitals(words: str) -> str:
    """Sentences begin with a capital."""
    return _SENTENCE.sub(lambda found: found[0][:-1] + found[0][-1].upper(), words)


@cache
def given_names() -> tuple[tuple[str, str], ...]:
    """(name for a user name, name as it is shown) of everyone that there may be."""
    lines = Path(__file__).with_name("names.txt").read_text("utf-8").splitlines()
    pairs = (text.partition(" ") for text in lines if not text.startswith("#"))
    return tuple((latin, shown or latin.capitalize()) for latin, _, shown in pairs)


def invent(
    *, first_id: int, joined: Sequence[int], book: Book, taken: Container[str], chance: Random
) -> list[Person]:
    """One person for each moment in ``joined``, with user names that are not ``taken``."""
    names = _usernames(taken, chance)
    return [
        _person(first_id + index, moment, names, book, chance, dormant=index % 50 == 7)
        for index, moment in enumerate(joined)
    ]


def _person(
    identity: int,
    joined: int,
    names: Iterator[tuple[str, str, str]],
    book: Book,
    chance: Random,
    *,
    dormant: bool,
) -> Person:
    username, call, shown = next(names)
    topics = _interests(book, chance, native=not shown.isascii())
    total = sum(len(topic.openings) for topic in topics)
    stride = next(step for step in (chance.randrange(1, total + 1) for _ in count()) if gcd(step, total) == 1)
    return Person(
        id=identity,
        username=username,
        call=call,
        display_name=_shown(username, shown, chance),
        bio=_bio(topics, chance),
        joined=joined,
        topics=topics,
        dormant=dormant,
        lower=chance.random() < 0.6,
        bare=chance.random() < 0.3,
        smiley=chance.choice(_SMILEYS) if chance.random() < 0.4 else "",
        start=chance.randrange(total),
        stride=stride,
    )


def _interests(book: Book, chance: Random, *, native: bool) -> tuple[Topic, ...]:
    """Four to eight topics; a name in another script often comes with words in it."""
    english = [topic for topic in book.topics if topic.language == "en"]
    others = [topic for topic in book.topics if topic.language != "en"]
    if others and chance.random() < (0.3 if native else 0.03):
        own = chance.choice(others)
        return own, *chance.sample(english, min(ENGLISH_OF_OTHERS + chance.randrange(3), len(english)))
    return tuple(chance.sample(english, min(4 + chance.randrange(5), len(english))))


def _usernames(taken: Container[str], chance: Random) -> Iterator[tuple[str, str, str]]:
    """(user name, what people call them, name to show), without end and without repetition."""
    used: set[str] = set()
    given = given_names()
    while True:
        latin, shown = chance.choice(given)
        first, last = chance.choice(_FIRSTS), chance.choice(_LASTS)
        name, call, as_shown = chance.choice((
            (latin, latin, shown),
            (latin, latin, shown),
            (f"{latin}_{chance.choice('abcdefghijklmnoprstvw')}", latin, shown),
            (f"{latin}{chance.randrange(60, 100)}", latin, shown),
            (f"{latin}_in_{chance.choice(_PLACES)}", latin, shown),
            (f"{last}{latin}", latin, shown),
            (f"{first}_{latin}", latin, shown),
            (f"{first}{last}", f"{first}{last}", f"{first} {last}"),
            (f"{first}_{last}", last, f"{first} {last}"),
            (f"the_{last}", last, f"the {last}"),
        ))  # fmt: skip
        while name in used or name in taken or len(name) < 3:
            name = f"{name.rstrip('0123456789')}{chance.randrange(2, 10 ** (2 + len(used) // 20_000))}"
        if len(name) <= USERNAME_LENGTH:
            used.add(name)
            yield name, call, as_shown


def _shown(username: str, shown: str, chance: Random) -> str:
    letter = chance.choice("ABCDEFGHIJKLMNOPRSTVWZ")
    return chance.choice((
        shown, shown, shown.lower(), f"{shown} {letter}.", "", "",
        f"{shown} & {chance.choice(('the cat', 'the dog', 'co', 'the kettle', 'sons', 'a bicycle'))}",
        f"{shown} {chance.choice('🌿☕🚲📚🐈🧶🎻🌧🍞🚂🌍🫖')}",
        f"{shown}, {chance.choice(('sort of', 'again', 'probably', 'by the sea', 'on trains', 'at home'))}",
    ))  # fmt: skip


def _bio(topics: Sequence[Topic], chance: Random) -> str:
    bios = [chance.choice(topic.bios) for topic in topics if topic.bios]
    chance.shuffle(bios)
    bound = {"a": "", "b": ""} | dict(zip("ab", bios, strict=False))
    slots = {
        "place": tuple(map(str.capitalize, _PLACES)),
        "since": ("the beginning", "last winter", "tuesday"),
    }
    return fill(chance.choice(_BIOS), bound, slots, chance).strip()
