"""Shortening a text, never through a grapheme cluster: what a reader calls a character."""

import regex

_CLUSTER = regex.compile(r"\X")


def boundary(text: str, limit: int) -> int:
    """The last place at or before ``limit`` that is not inside a grapheme cluster.

    Where the first cluster alone is longer (hundreds of combining marks on one letter) it is ``limit``.
    """
    if limit >= len(text):
        return len(text)
    end = 0
    # Where a cluster ends depends on what stands before it, and on one character after it.
    for cluster in _CLUSTER.finditer(text[: limit + 1]):
        if cluster.end() > limit:
            break
        end = cluster.end()
    return end or limit


def cut(text: str, limit: int) -> str:
    """The text, or its beginning of at most ``limit`` characters and an ellipsis.

    Between two words where one ends in the second half of what there is room for.
    """
    if len(text) <= limit:
        return text
    end = boundary(text, limit - 1)
    if not text[end].isspace():
        space = max(text.rfind(mark, limit // 2, end) for mark in " \n\t")
        end = space if space > 0 else end
    return text[:end].rstrip() + "…"
