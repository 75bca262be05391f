"""How long people read a text: its length in words, and the minutes that these take."""

import regex

# Reading aloud, the mean of 17 languages: Trauzettel-Klosinski and Dietz, "Standardized Assessment of Reading
# Performance: the New International Reading Speed Texts IReST", 2012, doi:10.1167/iovs.11-8284.
WORDS_A_MINUTE = 184
# In scripts without spaces a word is a number of characters: about five of them are three words, or one.
_SIGNS = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Bopomofo}"
_LETTERS = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_RUN = regex.compile(rf"(?P<signs>[{_SIGNS}]++)|(?P<letters>[{_LETTERS}]++)|[^\s{_SIGNS}{_LETTERS}]++")
_FIFTHS = {"signs": 3, "letters": 1}


def words(text: str) -> float:
    """The length of a text in words: one pass."""
    return sum(map(_fifths, _RUN.finditer(text))) / 5


def _fifths(run: regex.Match[str]) -> int:
    """The fifths of words in a run of characters of one kind."""
    return (run.end() - run.start()) * _FIFTHS[run.lastgroup] if run.lastgroup else 5


def after_words(text: str, count: int, end: int) -> int:
    """The position after so many words, ``end`` at most. It may be inside a grapheme cluster."""
    left = 5 * count
    for run in _RUN.finditer(text, 0, end):
        fifths = _fifths(run)
        if fifths >= left:
            # A word with spaces around it is whole.
            return run.start() + -(-left // _FIFTHS[run.lastgroup]) if run.lastgroup else run.end()
        left -= fifths
    return end


def minutes(text: str, size: int | None = None) -> int:
    """The minutes that the text takes, or that ``size`` bytes take of which it is the beginning."""
    read = len(text.encode())
    count = words(text) * (size / read if size and read else 1)
    return max(1, round(count / WORDS_A_MINUTE))
