"""The worst pictures that are allowed: made here, since no file of such a size is in the repository."""

from collections.abc import Callable, Mapping
from functools import partial

from PIL import Image

from apps.pictures import decoder
from apps.pictures.decoding import BYTES_LIMIT
from apps.pictures.tests.made import animation, encoded, noise


def _square(kind: str) -> int:
    """The side of the largest square of a kind."""
    return int(decoder.PIXELS_LIMITS[kind] ** 0.5)


def rgba_png() -> bytes:
    """Colors and alpha that change everywhere, as many as fit into the limit of bytes."""
    picture = noise(_square("PNG"), _square("PNG"))
    picture.putalpha(picture.getchannel("G"))
    for shades in (64, 32, 16, 8, 4):
        coarse = picture.point(lambda value, step=256 // shades: value // step * step)
        if len(content := encoded(coarse, "PNG", compress_level=1)) < BYTES_LIMIT:
            return content
    raise SystemExit("bench: no such PNG fits into the limit")


def largest_jpeg(**options: object) -> bytes:
    side = _square("progressive" if "progressive" in options else "JPEG")
    return encoded(noise(side, side), "JPEG", **options)


def moving(kind: str) -> bytes:
    """An animation with as many frames and pixels as are kept moving."""
    side = int((decoder.MOVING_PIXELS_LIMIT / decoder.FRAMES_LIMIT) ** 0.5)
    return animation(kind, decoder.FRAMES_LIMIT, (side, side))


KINDS: Mapping[str, Callable[[], bytes]] = {
    "jpeg, 48 million": lambda: encoded(noise(8000, 6000), "JPEG", quality=60),
    "jpeg, 80 million": partial(largest_jpeg, quality=50),
    "jpeg, unscaled": lambda: encoded(noise(4095, 4095), "JPEG"),
    "jpeg, progressive, 12 million": partial(largest_jpeg, progressive=True, subsampling=0, quality=85),
    "png, rgba, 16 million": rgba_png,
    "png, 16 bits, 16 million": lambda: encoded(Image.new("I;16", (4000, 4000), 9)),
    "webp, 4 million": lambda: encoded(noise(2048, 2048), "WEBP", method=0),
    "heic, 24 million": lambda: encoded(noise(5712, 4284), "HEIF", quality=60),
    "avif, 12 million": lambda: encoded(noise(4032, 3024), "AVIF", speed=10),
    "gif, moving": partial(moving, "GIF"),
    "webp, moving": partial(moving, "WEBP"),
}


def together(kinds: Mapping[str, bytes]) -> list[bytes]:
    """As many as a kwip has, and the slowest of which nginx takes four in one request."""
    names = ("heic, 24 million", "avif, 12 million", "png, 16 bits, 16 million", "jpeg, 48 million")
    return [kinds[name] for name in names]
