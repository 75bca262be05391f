"""How much of a text a page shows: a list its beginning, a conversation and a history most of it.

A text may have 100,000 characters, and twenty of them on one page are more than a browser can show or a
process can render. The whole of one has a page of its own.
"""

from apps.kwips import text as kwip_text
from apps.plaintext import boundary

# Of each comment and each earlier version, and of all of them on one page.
LONG_CHARACTERS = 5_000
PAGE_CHARACTERS = 20_000
# So that a fold sees that there is more, and where a grapheme cluster ends.
_MORE = 32
# How much of a text the folds need to know.
ENOUGH_TO_FOLD = kwip_text.FOLD_CHARACTERS + _MORE
ENOUGH_TO_FOLD_LONG = LONG_CHARACTERS + _MORE


def is_long(text: str) -> bool:
    """Whether not even a conversation shows all of the text."""
    return len(text) > LONG_CHARACTERS


def fold_long(text: str) -> tuple[str, bool]:
    """The first 5,000 characters of a text, and whether there is more of it."""
    if not is_long(text):
        return text, False
    # Not through the middle of a word (it may be an address), unless the word is most of the text.
    last_space = max(text.rfind(space, LONG_CHARACTERS // 2, LONG_CHARACTERS) for space in " \n\t")
    end = last_space if last_space > 0 else boundary(text, LONG_CHARACTERS)
    return text[:end].rstrip(), True
