"""Draws the image of a link preview with Pillow: a face, a name, the first words.

The font has Latin, Greek and Cyrillic. A text with other letters is not drawn; emoji are removed.

Only `previews.draw` imports this module, since Pillow takes 4 MB of each process that loads it.
"""

import io
import math
import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from apps.accounts import faces
from apps.feeds.previews import Subject

SIZE = (1200, 630)
LETTERS = 280  # of a text; the rest is not read
LINES = 5

_ART = Path(__file__).parent / "art"
_GROUND, _SHEET, _INK, _SOFT = "#eff7ff", "#ffffff", "#23303a", "#5a6872"
_FACE = 200
_TILE = 240  # the side of a drawing in faces.png, which has those of `faces.PARTS` in a row
_LEFT, _RIGHT = 96, 1104
# Ground and ink of a face, as the style sheet has them: lightness and chroma, pale and deep.
COLOURS = (((0.89, 0.07), (0.32, 0.08)), ((0.775, 0.115), (0.26, 0.07)))
# Unicode categories that are not drawn: symbols such as emoji, format characters, unassigned.
_LEFT_OUT = {"So", "Sk", "Cf", "Cn", "Co", "Cs", "Cc"}


def draw(subject: Subject, picture: bytes | None) -> bytes:
    """The image as a JPEG. ``picture`` is the stored avatar."""
    image = Image.new("RGB", SIZE, _GROUND)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((40, 40, SIZE[0] - 40, SIZE[1] - 40), radius=44, fill=_SHEET)
    words = shown(subject.words)
    _draw_person(image, pen, subject, picture, top=84 if words else 215)
    if words:
        _draw_words(pen, words)
    _draw_site(image, pen, subject.site)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=86, optimize=True)
    return jpeg.getvalue()


def shown(text: str) -> str:
    """The text on one line, or "" if the font lacks one of its letters."""
    line = " ".join(unicodedata.normalize("NFC", text[:LETTERS]).split())
    line = " ".join("".join(c for c in line if unicodedata.category(c) not in _LEFT_OUT).split())
    return line if all(_has(letter) for letter in set(line)) else ""


def _draw_person(
    image: Image.Image, pen: ImageDraw.ImageDraw, subject: Subject, picture: bytes | None, *, top: int
) -> None:
    face = _own(picture) if picture else _drawn(subject)
    image.paste(face, (_LEFT, top), _bubble(_FACE))
    left, middle = _LEFT + _FACE + 40, top + _FACE // 2
    handle = f"@{subject.username}"
    name = shown(subject.name)
    if name and name != subject.username:
        font = _font(58, bold=True)
        pen.text((left, middle - 8), _cut(name, font), _INK, font, anchor="ls")
        pen.text((left, middle + 46), handle, _SOFT, _font(38), anchor="ls")
    else:
        pen.text((left, middle), handle, _INK, _font(58, bold=True), anchor="lm")


def _draw_words(pen: ImageDraw.ImageDraw, words: str) -> None:
    """In the largest font that fits."""
    for size in (64, 54, 46, 40):
        lines = _wrapped(words, _font(size), _RIGHT - _LEFT)
        if len(lines) * size * 1.3 <= 250:
            break
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], _cut(f"{lines[LINES - 1]} …", _font(size), _RIGHT - _LEFT)]
    for number, line in enumerate(lines):
        pen.text((_LEFT, 296 + size + number * size * 1.3), line, _INK, _font(size), anchor="ls")


def _draw_site(image: Image.Image, pen: ImageDraw.ImageDraw, site: str) -> None:
    name = shown(site)
    font = _font(34, bold=True)
    width = int(font.getlength(name))
    pen.text((_RIGHT - width, 96), name, _SOFT, font, anchor="lm")
    with Image.open(_ART / "bubble.png") as bubble:
        image.paste(bubble, (_RIGHT - width - 58, 74), bubble)


def _wrapped(words: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append(word)
        while font.getlength(lines[-1]) > width:  # one word, as an address, longer than a line
            fits = max(n for n in range(1, len(lines[-1])) if font.getlength(lines[-1][:n]) <= width)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [line for line in lines if line]


def _cut(line: str, font: ImageFont.FreeTypeFont, width: int = 660) -> str:
    """The line, with an ellipsis if it is too long."""
    if font.getlength(line) <= width:
        return line
    line = line.removesuffix("…").rstrip()
    while font.getlength(f"{line}…") > width:
        line = line[:-1].rstrip()
    return f"{line}…"


def _own(picture: bytes) -> Image.Image:
    """The stored avatar: a square WebP without metadata."""
    with Image.open(io.BytesIO(picture), formats=("WEBP",)) as found:
        found.thumbnail((_FACE, _FACE))
        whole = found.convert("RGBA").resize((_FACE, _FACE))
    ground = Image.new("RGBA", whole.size, _GROUND)
    return Image.alpha_composite(ground, whole).convert("RGB")


def _drawn(subject: Subject) -> Image.Image:
    face = faces.face(subject.username, subject.face)
    ground, ink = (srgb(*colour, faces.HUES[face.hue]) for colour in COLOURS[face.is_deep])
    mask = Image.new("L", (_TILE, _TILE), 0)
    with Image.open(_ART / "faces.png") as drawings:
        for part in face.parts:
            left = faces.PARTS.index(part) * _TILE
            mask = ImageChops.lighter(mask, drawings.crop((left, 0, left + _TILE, _TILE)))
    # Pillow turns against the clock, CSS with it.
    mask = mask.rotate(-faces.DEGREES[face.tilt], Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (_FACE, _FACE), ground)
    picture.paste(ink, (0, 0, _FACE, _FACE), mask.resize((_FACE, _FACE), Image.Resampling.LANCZOS))
    return picture


def srgb(lightness: float, chroma: float, hue: float) -> tuple[int, int, int]:
    """The colour oklch(lightness chroma hue) of CSS, each channel cut to its range."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _channel(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _channel(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _channel(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )


def _channel(linear: float) -> int:
    encoded = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * min(max(encoded, 0), 1))


@cache
def _bubble(side: int) -> Image.Image:
    """The mask of an avatar: a circle with one corner."""
    big = side * 4
    mask = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((0, 0, big - 1, big - 1), fill=255)
    corner = (False, False, False, True)
    pen.rounded_rectangle((0, big // 2, big // 2, big - 1), big * 14 // 100, fill=255, corners=corner)
    return mask.resize((side, side), Image.Resampling.LANCZOS)


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "SourceSansPro-Semibold.ttf" if bold else "SourceSansPro-Regular.ttf"
    font = (files("font_source_sans_pro") / "files" / name).read_bytes()
    return ImageFont.truetype(io.BytesIO(font), size)


@cache
def _missing() -> bytes:
    """The glyph for a letter that the font lacks."""
    return bytes(_font(32).getmask("\U0010fffe"))


def _has(letter: str) -> bool:
    return letter == " " or bytes(_font(32).getmask(letter)) != _missing()
