"""Truncating text at grapheme clusters, which readers see as one character."""

import regex

_CLUSTER = regex.compile(r"\X")


def boundary(text: str, limit: int) -> int:
    """The last index up to ``limit`` that is not inside a grapheme cluster.

    It is ``limit`` if the first cluster is longer (one letter with hundreds of combining marks).
    """
    if limit >= len(text):
        return len(text)
    end = 0
    # A cluster's end depends on all text before it and on one character after it.
    for cluster in _CLUSTER.finditer(text[: limit + 1]):
        if cluster.end() > limit:
            break
        end = cluster.end()
    return end or limit


def truncate(text: str, limit: int) -> str:
    """Truncates to ``limit`` characters including an ellipsis, after a word that ends in the second half."""
    if len(text) <= limit:
        return text
    end = boundary(text, limit - 1)
    if not text[end].isspace():
        space = max(text.rfind(mark, limit // 2, end) for mark in " \n\t")
        end = space if space > 0 else end
    return text[:end].rstrip() + "…"
