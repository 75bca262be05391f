"""Chooses the texts of kwips and comments."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from apps.demo import clock
from apps.demo.grammar import Book, Exchange, Opening, fill
from apps.demo.people import Person

TAGGED = 0.14
_RECENT = 60  # kwips for which an opening rests
_STORY_REST = 1_500
_TRIES = 20
_WORD = re.compile(r"(?<![\w@#/.:])[a-zA-Z]{5,}(?![\w@#/.:])")


@dataclass(slots=True)
class Kwip:
    """The text of a kwip, with what its comments refer to."""

    author: Person
    opening: Opening
    words: str
    bound: dict[str, str] = field(default_factory=dict)


class Talk:
    def __init__(self, book: Book, chance: Random) -> None:
        self.book = book
        self.chance = chance
        self._last_used: dict[Opening, int] = {}  # rare openings: after how many kwips
        self._kwips = 0
        self._for_new = book.for_new
        self._recent: deque[Opening] = deque(maxlen=min(_RECENT, len(book.openings) // 2))

    def kwip(self, author: Person, moment: int, friend: str, *, new: bool) -> Kwip:
        """A kwip of the author, who may be ``new``. It may mention ``friend``, which may be ""."""
        self._kwips += 1
        if new and friend and self._for_new and self.chance.random() < 0.6:
            opening = self._one(self._for_new)
        else:
            opening = self._opening(author, moment, friend)
        bound = {"@friend": friend, "@op": author.username, "op": author.call}
        topic = opening.scene.topic
        words = fill(opening.line, bound, topic.slots, self.chance)
        if topic.language == "en" and topic.tags and "#" not in words and self.chance.random() < TAGGED:
            words += f"\n\n#{self._one(topic.tags)}" if "\n\n" in words else f" #{self._one(topic.tags)}"
        return Kwip(author, opening, author.says(words, self.chance), bound)

    def exchanges(self, kwip: Kwip) -> Iterator[Exchange]:
        """Endless exchanges for the kwip, mostly its own; each once before any is repeated."""
        scene = kwip.opening.scene
        sources: list[Sequence[Exchange]] = [scene.exchanges]
        if not kwip.opening.seldom:  # a rare opening has its own exchanges only
            sources += scene.topic.exchanges, self.book.anywhere.get(scene.topic.language, ())
        words = kwip.words.lower()
        fitting = [
            [exchange for exchange in source if exchange.fits(words, kwip.bound)] for source in sources
        ]
        while any(fitting):
            decks = [self.chance.sample(deck, len(deck)) for deck in fitting]
            while any(decks):
                pick = self.chance.random()
                wanted = 0 if pick < 0.72 else 1 if pick < 0.86 else 2
                fullest = max(decks, key=len)
                yield (decks[wanted] if wanted < len(decks) and decks[wanted] else fullest).pop()

    def comment(self, kwip: Kwip, exchange: Exchange, index: int, by: Person, to: Person) -> str:
        """The text of one comment of an exchange, in reply to a person."""
        who, said = exchange.comments[index]
        words = by.says(fill(said, kwip.bound, kwip.opening.scene.topic.slots, self.chance), self.chance)
        if who and by is not to and words[0] != "@" and self.chance.random() < 0.25:
            words = f"@{to.username} {words}"
        return words

    def misspelt(self, words: str) -> str:
        """The text with two letters of a word swapped, if it has a long word."""
        places = list(_WORD.finditer(words))
        if not places:
            return words
        at = self._one(places).start() + 1 + self.chance.randrange(3)
        return f"{words[:at]}{words[at + 1]}{words[at]}{words[at + 2 :]}"

    def _opening(self, author: Person, moment: int, friend: str) -> Opening:
        hour, weekday = clock.hour(moment), clock.weekday(moment)
        chosen = None
        for _ in range(_TRIES):
            opening = author.next_opening()
            unfit = not opening.fits(hour, weekday) or (opening.needs_friend and not friend)
            if unfit or opening.by_new or (opening.seldom and self._used_lately(opening)):
                continue
            chosen = opening
            if opening not in self._recent:
                break
        if chosen is None:
            chosen = next(opening for topic in author.topics for opening in topic.openings if opening.always)
        self._recent.append(chosen)
        if chosen.seldom:
            self._last_used[chosen] = self._kwips
        return chosen

    def _used_lately(self, story: Opening) -> bool:
        return (
            self._kwips - self._last_used.get(story, -_STORY_REST) < _STORY_REST or self.chance.random() < 0.6
        )

    def _one[T](self, some: Sequence[T]) -> T:
        return some[int(self.chance.random() * len(some))]
