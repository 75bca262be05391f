"""Pictures for some kwips of the demo community: landscapes that are drawn, each the same every time."""

import hashlib
import io
import itertools
import math
import random
import time

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from apps.kwips.models import Kwip
from apps.kwips.picture_models import KwipPicture
from apps.limits import Busy
from apps.pictures import decoding, files
from apps.pictures.models import Picture, Shape

# The shape of each, in pixels, and what it says to those who can't see it.
SHAPES = ((960, 640), (640, 960), (1200, 500), (720, 720))
_HUES = (
    ("dawn", (247, 197, 159), (120, 144, 190), (62, 84, 78)),
    ("noon", (196, 226, 245), (96, 160, 214), (104, 138, 74)),
    ("dusk", (233, 150, 122), (88, 70, 120), (44, 48, 72)),
    ("night", (52, 66, 104), (16, 22, 44), (20, 30, 40)),
)


# A visitor's upload is refused at once on a busy machine; a new community can wait.
TRIES = 30
PAUSE_SECONDS = 1.0
# How many pictures the newest kwips of different people get.
HUNG = (1, 3, 2, 4, 1)


def hang() -> None:
    """Adds pictures to kwips of a community that was just generated, in the caller's transaction."""
    newest = Kwip.objects.filter(thread=None, audience=None, visibility=0, withheld=0, pk__gt=0)
    by_author: dict[int, Kwip] = {}
    for kwip in newest.order_by("-pk").defer("text")[:200]:
        by_author.setdefault(kwip.author_id, kwip)
    numbers = itertools.count()
    for kwip, number in zip(by_author.values(), HUNG, strict=False):
        for place in range(number):
            picture = _stored(next(numbers), kwip.author_id)
            KwipPicture.objects.create(kwip=kwip, picture=picture, place=place)
        Kwip.objects.filter(pk=kwip.pk).update(is_sensitive=number == 2)


def _stored(number: int, owner_id: int) -> Picture:
    content, words = draw(number)
    decoded = _decoded(content)
    if decoded.variants is None or decoded.description is None:
        raise ValueError(decoded.refusal)
    name = hashlib.sha256(content).hexdigest()[:32]
    files.remove(name, Shape.WHOLE)  # of an earlier community
    files.write(name, decoded.variants)
    facts = decoded.description
    return Picture.objects.create(
        name=name,
        owner_id=owner_id,
        alt=words,
        width=facts["width"],
        height=facts["height"],
        color=facts["color"],
        bytes=sum(facts["sizes"].values()),
    )


def _decoded(content: bytes) -> decoding.Decoded:
    """Raises `Busy` if the machine had no time at any try."""
    tries = 0
    while True:
        try:
            upload = SimpleUploadedFile("hills.jpg", content)
            return decoding.decode(upload, shape=Shape.WHOLE, keeps_moving=False)
        except Busy:
            tries += 1
            if tries == TRIES:
                raise
            time.sleep(PAUSE_SECONDS)


def draw(number: int) -> tuple[bytes, str]:
    """A small landscape as a JPEG, and its words."""
    chance = random.Random(number)  # noqa: S311 - a drawing
    width, height = SHAPES[number % len(SHAPES)]
    name, near, far, ground = _HUES[chance.randrange(len(_HUES))]
    image = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(image)
    for y in range(height):
        pen.line((0, y, width, y), fill=_between(far, near, y / height))
    radius = min(width, height) // chance.randrange(8, 16)
    x, y = chance.randrange(radius, width - radius), chance.randrange(radius, height // 2)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 244, 214))
    for layer in range(3):
        _hills(pen, chance, width, height, layer, _between(near, ground, (layer + 1) / 3))
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=80)
    return stored.getvalue(), f"hills at {name}, and a round {'moon' if name == 'night' else 'sun'}"


def _hills(
    pen: ImageDraw.ImageDraw,
    chance: random.Random,
    width: int,
    height: int,
    layer: int,
    color: tuple[int, ...],
) -> None:
    base = height * (0.5 + 0.16 * layer)
    waves = [(chance.uniform(0.5, 3), chance.uniform(0, 6), chance.uniform(0.02, 0.06)) for _ in range(3)]
    line = [
        (x, base + height * sum(size * math.sin(speed * 6 * x / width + at) for speed, at, size in waves))
        for x in range(0, width + 8, 8)
    ]
    pen.polygon([(0, height), *line, (width, height)], fill=color)


def _between(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
