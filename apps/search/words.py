"""The words of a text, folded, as the index has them: any script, without case and accents.

`folded` unifies spellings. `words` splits a folded text into words. A script that is written without spaces
is split into single characters and pairs, so that each part of a run is found. No stems, no dictionary, no
stop words. All of this is Python: PostgreSQL's parser depends on the locale of the server.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from typing import NamedTuple

import regex

from apps.kwips.links import UNSPACED

# A longer word is cut, in texts and in queries alike.
LONGEST_WORD = 40
NAME_LENGTH = 120
# Of each text so much is indexed. PostgreSQL has no positions above 16,383, and no vector above 1 MB.
MOST_WORDS = 16_000
MOST_BYTES = 500_000

# Letters of their own that no decomposition leads to: Latin, Persian and Arabic.
_ALIKE = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "n",
    "ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": "",
    # Joiners and soft hyphens.
    "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "",
})  # fmt: skip
# Accents are marks of these combining classes: points of Hebrew and Arabic, and what stands above or below a
# letter. Others are letters (the vowels of Indic scripts, of Thai; the voicing of kana), except the nukta.
_POINTS, _ABOVE_OR_BELOW, _NUKTA = range(10, 36), range(200, 256), 7
# The Arabic article, with a particle before it: "الكتاب" is found as "كتاب".
_ARTICLE = regex.compile(r"^[وفبك]?ال(?=\p{Arabic}{2})")
_ARABIC = regex.compile(r"\p{Arabic}")
_PLAIN = re.compile(r"[a-z0-9]+")
_WORDS = regex.compile(
    rf"(?P<unspaced>(?:[{UNSPACED}]\p{{M}}*)+)"
    rf"|(?P<word>[[\p{{L}}\p{{N}}\p{{M}}]--[{UNSPACED}]]+)"
    r"|(?P<picture>\p{Extended_Pictographic})",
    regex.V1,
)
_UNSPACED = regex.compile(rf"[{UNSPACED}]\p{{M}}*", regex.V1)
_CHARACTER = regex.compile(r"\X")


# A word and its position. A pair of characters has the position of its first.
type Word = tuple[str, int]


def folded(text: str) -> str:
    """The text in lower case, without accents, in one spelling of each character."""
    if text.isascii():
        return text.lower()
    # Twice: the case folding of some characters leads to others with a compatible spelling.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join([c for c in decomposed if not _is_accent(c)]).translate(_ALIKE)
    return unicodedata.normalize("NFC", plain)


def _is_accent(character: str) -> bool:
    kind = unicodedata.combining(character)
    return kind > 0 and (kind in _POINTS or kind in _ABOVE_OR_BELOW or kind == _NUKTA)


def words(text: str) -> Iterable[Word]:
    """The words of a text in their order, for the index."""
    whole = folded(text)
    # Most texts, and each publish reads one.
    return zip(_plain(whole), count(1)) if whole.isascii() else _words(whole)


def _plain(folded_text: str) -> list[str]:
    found = _PLAIN.findall(folded_text)
    return [word[:LONGEST_WORD] for word in found] if len(folded_text) > LONGEST_WORD else found


def _words(folded_text: str) -> Iterator[Word]:
    for word, position, characters in _parts(folded_text):
        if not characters:
            yield word, position
            continue
        for at, character in enumerate(characters):
            yield character, position + at
            if at + 1 < len(characters):
                yield character + characters[at + 1], position + at


class Part(NamedTuple):
    """A word, or a run of ``characters`` that is written without spaces."""

    text: str
    position: int
    characters: tuple[str, ...] = ()


def parts(text: str) -> Iterator[Part]:
    """Splits a text into words and runs."""
    return _parts(folded(text))


def _parts(folded_text: str) -> Iterator[Part]:
    if folded_text.isascii():
        yield from (Part(word, position) for position, word in enumerate(_plain(folded_text), start=1))
        return
    position = 1
    for found in _WORDS.finditer(folded_text):
        if found["unspaced"]:
            characters = tuple(_CHARACTER.findall(found[0]))
            yield Part(found[0], position, characters)
            position += len(characters)
        else:
            yield Part(_without_article(found[0])[:LONGEST_WORD], position)
            position += 1


def _without_article(word: str) -> str:
    return _ARTICLE.sub("", word) if _ARABIC.match(word) else word


def vector(text: str, tags: list[str]) -> str:
    """The text's words with their positions, and its tags, as a literal of PostgreSQL's ``tsvector``."""
    positions: dict[str, str] = {}
    size = 0
    for word, position in words(text):
        size += 4 * len(word)  # bytes, at most
        if position > MOST_WORDS or size > MOST_BYTES:
            break
        before = positions.get(word)
        positions[word] = f"{before},{position}" if before else str(position)
    found = [f"'{word}':{at}" for word, at in positions.items()]
    return " ".join([*found, *(f"'{tag_lexeme(tag)}'" for tag in tags)])


def tag_lexeme(name: str) -> str:
    """What the index has for a tag, beside its word. ``name`` is canonical."""
    return f"#{name}"


def folded_name(name: str) -> str:
    """A user name, display name or tag, as the index of names has it.

    Each character of a script without spaces is a word, so that trigrams find a part of the name.
    """
    return " ".join(_UNSPACED.sub(r" \g<0> ", folded(name)).split())[:NAME_LENGTH]
