"""How much of a text a list, a conversation and a history show; a long text has a page for its whole."""

from apps.kwips import text as kwip_text
from apps.plaintext import boundary

# In a conversation or history: of one text, and of all texts on a page.
LONG_CHARACTERS = 5_000
PAGE_CHARACTERS = 20_000
# How many characters the folds read: some more than they show, to find the end of a grapheme cluster.
_MORE = 32
ENOUGH_TO_FOLD = kwip_text.FOLD_CHARACTERS + _MORE
ENOUGH_TO_FOLD_LONG = LONG_CHARACTERS + _MORE


def is_long(text: str) -> bool:
    return len(text) > LONG_CHARACTERS


def fold_long(text: str) -> tuple[str, bool]:
    """The first `LONG_CHARACTERS` of a text, and whether it has more."""
    if not is_long(text):
        return text, False
    space = kwip_text.last_space(text, LONG_CHARACTERS // 2, LONG_CHARACTERS)
    end = space if space > 0 else boundary(text, LONG_CHARACTERS)
    return text[:end].rstrip(), True
