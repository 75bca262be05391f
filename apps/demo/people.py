"""Generates people: user names, display names, bios, and styles of writing."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from math import gcd
from pathlib import Path
from random import Random

from apps.demo.grammar import Book, Opening, Topic, fill, line

USERNAME_LENGTH = 30
# The language of a person, by the characters of the name.
_SCRIPTS = {
    "hi": re.compile("[\u0900-\u097f]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "ja": re.compile("[\u3040-\u30ff]"),
    "es": re.compile("[áíóúñ]"),
}
_PICTURES = "🌿☕🚲📚🐈🧶🎻🌧🍞🚂🌍🫖"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Words of invented user names.
_FIRSTS = _words(
    """
    slow paper lantern quiet tiny copper velvet salty foggy second pocket winter amber distant wooden minor
    sleepy double little blue rusty northern gentle odd almost early late lemon silver mossy plain soft
    crooked borrowed midnight humble spare ginger hollow sunny dusty pickled wandering mostly secret
    """
)
_LASTS = _words(
    """
    train fish boat kettle heron fox moth otter teapot bicycle window pebble noodle biscuit comet ladder
    button sparrow spoon harbour radish umbrella badger marmalade thimble postcard acorn pickle puffin
    turnip library orchard snail magpie cardigan tram cabbage lighthouse typewriter walrus mitten plum
    """
)
_PLACES = _words(
    """
    porto leipzig ghent cork pune tartu lyon bergen cardiff mysore graz turin aarhus oaxaca granada leith
    utrecht kochi brno malmo nantes ljubljana gdansk lucca coimbra nagano alexandria tunis hove bath
    """
)
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
        "{a} {b} [opinions borrowed|replies slowly, means well|be kind, it's free|she, and also late].",
        "{a} {b} [he, and a bike|ask me anything, i know little|mostly harmless before noon].",
    )
)
_BIO_SLOTS = {
    "place": tuple(line(place.capitalize()) for place in _PLACES),
    "since": tuple(line(since) for since in ("the beginning", "last winter", "a tuesday in march")),
}
_SMILEYS = (":)", ":)", ":-)", ":D", ":P", ";)", "^^", ":o)", "🙂", "☕", "🌱", "✨")
_SENTENCE = re.compile(r"(?:^|[.!?…]\s+|\n)([\"“¿¡]?(?!https?:)[a-zà-ÿ])")


@dataclass(slots=True)
class Person:
    """A person and their style of writing. ``joined`` is in microseconds of Unix time."""

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
        """The next opening of the person's topics, in a fixed pseudo-random order."""
        total = sum(len(topic.openings) for topic in self.topics)
        index = (self.start + self.turn * self.stride) % total
        self.turn += 1
        for topic in self.topics:
            if index < len(topic.openings):
                return topic.openings[index]
            index -= len(topic.openings)
        raise AssertionError("unreachable")

    def says(self, words: str, chance: Random) -> str:
        """The text in the style of this person."""
        words = words.replace("!.", "!").replace("?.", "?")
        words = words.lower() if self.lower else capitals(words)
        if self.bare and words.endswith(".") and not words.endswith(".."):
            words = words[:-1]
        if self.smiley and words[-1] in ".!" and chance.random() < 0.25:
            words = f"{words[:-1] if self.bare else words} {self.smiley}"
        return words


def capitals(words: str) -> str:
    """Capitalises sentences."""
    return _SENTENCE.sub(lambda found: found[0][:-1] + found[0][-1].upper(), words)


@cache
def given_names() -> tuple[tuple[str, str], ...]:
    """All given names, as (Latin for user names, display name)."""
    lines = Path(__file__).with_name("names.txt").read_text("utf-8").splitlines()
    pairs = (text.partition(" ") for text in lines if not text.startswith("#"))
    return tuple((latin, shown or latin.capitalize()) for latin, _, shown in pairs)


def invent(
    *, first_id: int, joined: Sequence[int], book: Book, taken: Container[str], chance: Random
) -> list[Person]:
    """One person for each moment in ``joined``; user names are not in ``taken``."""
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
    topics = _interests(book, shown, chance)
    total = sum(len(topic.openings) for topic in topics)
    stride = next(step for step in (chance.randrange(1, total + 1) for _ in count()) if gcd(step, total) == 1)
    return Person(
        id=identity,
        username=username,
        call=call,
        display_name=_shown(shown, chance),
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


def _interests(book: Book, shown: str, chance: Random) -> tuple[Topic, ...]:
    """Four to eight topics, or those of the language of the name and one or two English ones."""
    english = [topic for topic in book.topics if topic.language == "en"]
    language, likely = _language(shown)
    own = [topic for topic in book.topics if topic.language == language]
    if own and chance.random() < likely:
        return *own, *chance.sample(english, min(1 + chance.randrange(2), len(english)))
    return tuple(chance.sample(english, min(4 + chance.randrange(5), len(english))))


def _language(shown: str) -> tuple[str, float]:
    """A language besides English for this name, and its probability."""
    for language, script in _SCRIPTS.items():
        if script.search(shown):
            return language, 0.8
    return "es", 0.04


def _usernames(taken: Container[str], chance: Random) -> Iterator[tuple[str, str, str]]:
    """Endless unique (user name, given name, display name)."""
    used: set[str] = set()
    given = given_names()
    while True:
        name, call, shown = _username(*chance.choice(given), chance)
        for _ in range(4):
            if name not in used and name not in taken:
                break
            name, call, shown = _username(*chance.choice(given), chance)
        while name in used or name in taken or len(name) < 3:
            name = f"{name.rstrip('0123456789')}{chance.randrange(2, 10 ** (2 + len(used) // 20_000))}"
        if len(name) <= USERNAME_LENGTH:
            used.add(name)
            yield name, call, shown


def _username(latin: str, shown: str, chance: Random) -> tuple[str, str, str]:
    first, last = chance.choice(_FIRSTS), chance.choice(_LASTS)
    if chance.random() < 0.22:
        return chance.choice((
            (f"{first}{last}", f"{first} {last}", f"{first} {last}"),
            (f"{first}_{last}", f"{first} {last}", f"{first} {last}"),
            (f"the_{last}", last, f"the {last}"),
            (f"{first}{last}", f"{first} {last}", ""),
            (f"{last}_and_{chance.choice(_LASTS)}", last, ""),
        ))  # fmt: skip
    call = latin if shown.isascii() else shown
    return chance.choice((
        (latin, call, shown), (latin, call, shown), (latin, call, shown),
        (f"{latin}_{chance.choice('abcdefghijklmnoprstvw')}", call, shown),
        (f"{latin}{chance.randrange(60, 100)}", call, shown),
        (f"{latin}_in_{chance.choice(_PLACES)}", call, shown),
        (f"{last}{latin}", call, shown),
        (f"{first}_{latin}", call, shown),
    ))  # fmt: skip


def _shown(shown: str, chance: Random) -> str:
    """The display name; "" for none."""
    if " " in shown or not shown:
        return chance.choice((shown, shown, shown.title(), ""))
    if not shown[0].isascii():
        return chance.choice((shown, shown, shown, f"{shown} {chance.choice(_PICTURES)}"))
    return chance.choice((
        shown, shown, shown, shown.lower(), "", f"{shown} {chance.choice('ABCDEFGHIJKLMNOPRSTVWZ')}.",
        f"{shown} & {chance.choice(('the cat', 'the dog', 'co', 'the kettle', 'sons', 'a bicycle'))}",
        f"{shown} {chance.choice(_PICTURES)}",
        f"{shown}, {chance.choice(('sort of', 'again', 'probably', 'by the sea', 'on trains', 'at home'))}",
    ))  # fmt: skip


def _bio(topics: Sequence[Topic], chance: Random) -> str:
    bios = [chance.choice(topic.bios) for topic in topics if topic.bios]
    chance.shuffle(bios)
    bound = {"a": "", "b": ""} | dict(zip("ab", bios, strict=False))
    return fill(chance.choice(_BIOS), bound, _BIO_SLOTS, chance).strip()
