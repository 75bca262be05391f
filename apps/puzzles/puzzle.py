"""Puzzles and their solutions: text in, text out. Nothing here is stored."""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import Self

from django.core import signing

PARTS, BITS, ROUNDS = 8, 6, 2_000
LIFETIME = 30 * 60
WAIT_SECONDS = 10
# Longer texts are not looked at.
LONGEST = 200
_SOLUTION = re.compile(rf"\d{{1,5}}(?:\.\d{{1,5}}){{{PARTS - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Puzzle:
    """``text`` is what the page carries; ``key`` is the same for no other puzzle."""

    text: str
    key: str
    made_at: float

    @classmethod
    def new(cls, purpose: str) -> Self:
        text = _signer().sign(f"{purpose}.{secrets.token_hex(16)}")
        return cls._of(text)

    @classmethod
    def read(cls, text: str, purpose: str) -> Self | None:
        """The puzzle, or None if this site did not make it for this purpose, or it is too old."""
        if len(text) > LONGEST:
            return None
        try:
            value = _signer().unsign(text, max_age=LIFETIME)
        except signing.BadSignature:
            return None
        return cls._of(text) if value.startswith(f"{purpose}.") else None

    @classmethod
    def _of(cls, text: str) -> Self:
        value, made_at, _signature = text.rsplit(":", 2)
        return cls(text, value.rpartition(".")[2], float(signing.b62_decode(made_at)))

    @property
    def wait(self) -> int:
        """Seconds until it is old enough to be taken without a solution."""
        return max(0, WAIT_SECONDS - int(time.time() - self.made_at))

    def is_solved_by(self, solution: str) -> bool:
        """Stops at the first part that is wrong: a guess costs the site one hash."""
        if not _SOLUTION.fullmatch(solution):
            return False
        return all(self._fits(part, number) for part, number in enumerate(solution.split(".")))

    def solve(self) -> str:
        """As the worker does, for tests and programs."""
        return ".".join(
            str(next(n for n in range(100_000) if self._fits(part, str(n)))) for part in range(PARTS)
        )

    def _fits(self, part: int, number: str) -> bool:
        found = hashlib.pbkdf2_hmac("sha256", self.text.encode(), f"{part}.{number}".encode(), ROUNDS)
        return found[0] >> (8 - BITS) == 0


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="apps.puzzles")
