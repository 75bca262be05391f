"""Drawn faces: the picture of a person who uploaded none. A sideways smiley in a speech bubble.

A face has a colour, eyes, a mouth, a tilt and an extra: 72,000 faces. It follows from the user name, unless
the person chose one. The first smiley of a kwip changes eyes and mouth beside that kwip (`with_mood`).

A code is a face in five characters, one for each part. The numbers of the parts are stored in people's rows:
a part is never removed or moved. The drawings: `templates/_icons.html`; the colours: `people.css`.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

HUES = (119, 145, 170, 200, 230, 260, 285, 310, 340, 10, 40, 75)
# What one can choose, by the names of `Face`. The name gives one of the first `DERIVED` of each.
CHOICES = {
    "colour": (
        _("lime"), _("leaf"), _("mint"), _("sea"), _("sky"), _("cornflower"), _("lilac"), _("violet"),
        _("pink"), _("rose"), _("peach"), _("sand"),
        # The same hues, deeper.
        _("olive"), _("grass"), _("jade"), _("lagoon"), _("azure"), _("blue"), _("iris"), _("purple"),
        _("orchid"), _("coral"), _("orange"), _("amber"),
    ),
    "eyes": (
        _("dots"), _("a wink"), _("lines"), _("rings"), _("sunglasses"), _("crossed"), _("smiling"),
        _("asleep"), _("one wide open"), _("lashes"),
    ),
    "mouth": (
        _("a smile"), _("a laugh"), _("a tongue"), _("oh!"), _("square"), _("a cat's"), _("a big laugh"),
        _("curly"), _("a small smile"), _("teeth"), _("straight"),
    ),
    "tilt": (_("straight ahead"), _("to the left"), _("to the right")),
    "extra": (
        _("nothing"), _("a nose"), _("a tuft of hair"), _("a halo"), _("rosy cheeks"), _("a bow tie"),
        _("horns"), _("a curl"), _("an antenna"), _("a party hat"),
    ),
}  # fmt: skip
DERIVED = (24, 10, 10, 3, 10)
# With what only a smiley makes: tears, and more mouths (`DRAWN`).
_DRAWABLE = (24, 11, 16, 3, 10)
_TEARS = 10
DEGREES = (0, -14, 14)  # of the tilts

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# The ids of all drawings. The first extra is none.
PARTS = tuple(
    kind + digit
    for kind, number, first in zip("emx", (_DRAWABLE[1], _DRAWABLE[2], _DRAWABLE[4]), (0, 0, 1), strict=True)
    for digit in _DIGITS[first:number]
)
# Of a text, so much is read for a smiley: what a list reads of it.
MOOD_CHARACTERS = 600
# `static/mentions.js` has these four, too. Code and addresses come first, so that no smiley is found in them.
# After a letter only the plainest one counts: "great:)" has one, "C:D" has none.
SMILEY = (
    r"`[^`]{1,200}`|(?:https?:\/\/|www\.)\S+"
    r"|(?<![0-9_:;=\/&@#%-])(?:"
    r"(?<![A-Za-z])(?:[:;=]'?-?|[8B]-|[Xx](?=[DP]))([)DPpoO\]3}|(\[c\/\\SsXx#*])\1*(?!\1)"
    r"|(?<![A-Za-z])\([:;=](?![^\s.,!?])|[:;]-?\))(?![A-Za-z0-9])"
)
TYPED_EYES = ":;=8BX"
TYPED = ")DPpoO]3}|([c/\\SsXx#*"
DRAWN = "012233457abbbcceedddf"
_SMILEY = re.compile(SMILEY)


class Face(NamedTuple):
    """The numbers of its parts."""

    colour: int
    eyes: int
    mouth: int
    tilt: int
    extra: int

    @property
    def hue(self) -> int:
        """The place of its hue in `HUES`."""
        return self.colour % len(HUES)

    @property
    def is_deep(self) -> bool:
        return self.colour >= len(HUES)

    @property
    def code(self) -> str:
        return "".join(_DIGITS[part] for part in self)

    @property
    def parts(self) -> list[str]:
        """The ids of its drawings."""
        found = [f"e{_DIGITS[self.eyes]}", f"m{_DIGITS[self.mouth]}"]
        return [*found, f"x{_DIGITS[self.extra]}"] if self.extra else found

    @property
    def css(self) -> str:
        """The classes of its colour and tilt."""
        deep, tilt = " deep" if self.is_deep else "", f" tilt-{self.tilt}" if self.tilt else ""
        return f"hue-{self.hue}{deep}{tilt}"


def is_upload(picture: str) -> bool:
    """Whether this is the name of an uploaded picture: not empty, and no code."""
    return "." in picture


def face(username: str, code: str) -> Face:
    """The face of a code; without one, or with one of another release, that of the name."""
    return _parsed(code) or derived(username)


def derived(username: str) -> Face:
    """The face that follows from a name. It never changes."""
    rest = int.from_bytes(blake2b(username.encode(), digest_size=8).digest())
    parts = []
    for number in DERIVED:
        rest, part = divmod(rest, number)
        parts.append(part)
    return Face(*parts)


def in_words(code: str) -> str | None:
    """The parts of a chosen face; None without one."""
    if (found := _parsed(code)) is None:
        return None
    return ", ".join(str(CHOICES[name][part]) for name, part in found._asdict().items())


def with_mood(username: str, picture: str, text: str) -> str:
    """What stands for a person beside a text: the upload, or a code with the text's first smiley."""
    if is_upload(picture) or (mood := _mood(text)) is None:
        return picture
    eyes, mouth = mood
    own = face(username, picture)
    return own._replace(eyes=own.eyes if eyes is None else eyes, mouth=mouth).code


def _mood(text: str) -> tuple[int | None, int] | None:
    """Eyes, if the smiley does not leave the own ones, and mouth."""
    for found in _SMILEY.finditer(text[:MOOD_CHARACTERS]):
        smiley = found[0].upper().lstrip("(")
        eyes = TYPED_EYES.find(smiley[0])
        if eyes < 0:
            continue  # code or an address
        if "'" in smiley:
            eyes = _TEARS
        return eyes or None, int(DRAWN[TYPED.index(found[1] or ")")], 16)
    return None


def _parsed(code: str) -> Face | None:
    if len(code) != len(Face._fields) or not code.isascii() or not code.isalnum():
        return None
    parts = [int(digit, 36) for digit in code]
    return Face(*parts) if all(part < limit for part, limit in zip(parts, _DRAWABLE, strict=True)) else None
