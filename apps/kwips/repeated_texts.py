"""The same text many times: more than so often by one person, or by new accounts together, it waits.

Texts are compared without case, spaces, invisible characters, names of people, and the parts of links that
only track. What is counted is a keyed hash of the text (`apps.limits`), never the text. Short texts without a
link are everyday ("good morning!") and are not counted.
"""

import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit

import regex

from apps import limits
from apps.accounts.models import User
from apps.accounts.new_accounts import is_new
from apps.kwips import holding
from apps.kwips.text import Token, tokens
from apps.policy.queries import current

BY_ONE, BY_NEW_ACCOUNTS = "same_text", "same_text_new_accounts"
SHORTEST = 30  # characters of a text without a link
COMPARED = 5_000  # characters
_IGNORED = regex.compile(r"[\p{Cf}\s]+")
_TRACKING = regex.compile(r"utm_\w+|mc_\w+|\w*clid|igshid?|si|ref|ref_src|source")


@holding.register
def is_repeated(author: User, text: str) -> bool:
    """Whether the text was written so often that it waits for a moderator. Counts it."""
    compared, has_link = folded(text)
    if not has_link and len(compared) < SHORTEST:
        return False
    if author.is_staff or (author.policy or current()).greeter_id == author.pk:
        return False
    # Undone with a transaction of the caller, which undoes the kwip, too.
    if not limits.hit(BY_ONE, author.pk, compared, durable=False):
        return True
    return is_new(author) and not limits.hit(BY_NEW_ACCOUNTS, compared, durable=False)


def folded(text: str) -> tuple[str, bool]:
    """The text as it is compared, and whether it has a link."""
    parts = list(tokens(text[:COMPARED]))
    words = "".join(map(_folded, parts))
    return _IGNORED.sub("", words), any(part.kind == "link" for part in parts)


def _folded(part: Token) -> str:
    if part.kind == "mention":
        return "@"
    shown = _address(part.target) if part.kind == "link" else unicodedata.normalize("NFKC", part.raw)
    return shown.casefold()


def _address(target: str) -> str:
    """Host, path and query, without what only tracks, without the scheme and the fragment."""
    address = urlsplit(target.lower())
    query = [pair for pair in parse_qsl(address.query) if not _TRACKING.fullmatch(pair[0])]
    host = address.netloc.removeprefix("www.")
    return f"{host}{address.path.rstrip('/')}?{urlencode(sorted(query))}"
