"""How much of a text a list, a conversation and a history show; a long text has a page for its whole."""

from typing import NamedTuple

import regex

from apps.kwips import reading
from apps.kwips import text as kwip_text
from apps.plaintext import boundary

# In a list: the end of a sentence that is nearest to forty words, where kwippy folded in 2008. Without one
# in this range the text is cut between two words. A text of a few words more is shown whole.
FOLD_WORDS, LEAST_WORDS, MOST_WORDS, FEW_WORDS = 40, 10, 80, 10
FOLD_CHARACTERS = 600
FOLD_LINES = 12
# An address that a text begins with is not cut; longer ones are no links.
LONGEST_ADDRESS = 1_000

# In a conversation or history: of one text, and of all texts on a page.
LONG_CHARACTERS = 5_000
PAGE_CHARACTERS = 20_000
# Beyond so many characters a kwip is a letter on its own page.
LETTER_CHARACTERS = 900
# A first line of so many characters at most, with an empty line behind it, is the title of a letter.
TITLE_CHARACTERS = 80
# How many characters the folds read: some more than they show, to find the end of a word or a cluster.
_MORE = 32
ENOUGH_TO_FOLD = FOLD_CHARACTERS + LONGEST_ADDRESS + _MORE
ENOUGH_TO_FOLD_LONG = LONG_CHARACTERS + _MORE

# A sentence ends with a mark, with the quotes and the smiley that belong to it, before a space; with one of
# a script without spaces; or with the line. Not after an initial ("J. S."), a title, or the number of a list.
_END = regex.compile(
    r"[\p{SB=STerm}\p{SB=ATerm}…]++"
    r"(?<!(?:^|[^\p{L}\p{N}])\p{L}\.)(?<!(?:^|\W)(?i:mr|mrs|ms|dr|prof|st|vs)\.)(?<!^\p{N}{1,2}\.)"
    r"\p{SB=Close}*+(?:[ ]?[:;=]-?[)(\]DPpO])?+(?=\s|$)"
    r"|[。！？｡]++[\p{Pe}\p{Pf}]*+(?![\p{M}\p{Cf}])"
    r"|(?=\n)",
    regex.MULTILINE,
)


class Fold(NamedTuple):
    beginning: str
    has_more: bool


def fold(text: str) -> Fold:
    """The beginning of the text that a list shows, and whether the text has more."""
    limit = min(len(text), FOLD_CHARACTERS)
    lines = [line.start() for line in regex.finditer("\n", text[:limit])]
    if len(lines) >= FOLD_LINES:
        limit = lines[FOLD_LINES - 1]
    if limit == len(text) and reading.words(text) <= FOLD_WORDS + FEW_WORDS:
        return Fold(text, has_more=False)
    end = _sentence_end(text, limit) or _word_end(text, limit)
    if end == len(text):
        return Fold(text, has_more=False)
    return Fold(text[:end].rstrip(), has_more=True)


def _sentence_end(text: str, limit: int) -> int:
    """The end of the sentence that ends nearest to `FOLD_WORDS`, 0 if none does in the range."""
    count, at, nearest, end = 0.0, 0, float(MOST_WORDS), 0
    # A few characters beyond the limit tell whether the last sentence ends there.
    for found in _END.finditer(text, 0, limit + _MORE):
        if found.end() > limit:
            break
        count, at = count + reading.words(text[at : found.end()]), found.end()
        distance = abs(count - FOLD_WORDS)
        if LEAST_WORDS <= count <= MOST_WORDS and distance < nearest:
            nearest, end = distance, at
    return end


def _word_end(text: str, limit: int) -> int:
    """The end of `FOLD_WORDS` words: inside a word if it is long, never inside an address, name or tag."""
    end = reading.after_words(text, FOLD_WORDS, limit)
    if end == limit < len(text) and not text[end].isspace():
        space = last_space(text, limit // 2, limit)
        end = space if space > 0 else end
    end = boundary(text, end)
    if text[end : end + 1].isspace():
        return end
    at = 0
    for token in kwip_text.tokens(text[:ENOUGH_TO_FOLD]):
        after = at + len(token.raw)
        if at < end < after and token.kind != "text":
            return at if text[:at].strip() else after
        at = after
        if at >= end:
            break
    return end


def split_title(text: str) -> tuple[str, str]:
    """The title of a letter, which may be "", and the rest of its text."""
    line, _, rest = text.partition("\n\n")
    is_title = rest.strip() and "\n" not in line and 0 < len(line.strip()) <= TITLE_CHARACTERS
    return (line.strip(), rest) if is_title else ("", text)


def last_space(text: str, start: int, end: int) -> int:
    """Where to cut a text: not inside a word, unless the word is longer than the range; -1 if so."""
    return max(text.rfind(space, start, end) for space in " \n\t")


def is_long(text: str) -> bool:
    return len(text) > LONG_CHARACTERS


def fold_long(text: str) -> tuple[str, bool]:
    """The first `LONG_CHARACTERS` of a text, and whether it has more."""
    if not is_long(text):
        return text, False
    space = last_space(text, LONG_CHARACTERS // 2, LONG_CHARACTERS)
    end = space if space > 0 else boundary(text, LONG_CHARACTERS)
    return text[:end].rstrip(), True
