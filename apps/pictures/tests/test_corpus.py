"""How each kind of upload ends, and how much memory its decoder takes: each row of the table is made here."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
from django.conf import settings
from PIL import Image, ImageCms

from apps.pictures import decoder, decoding
from apps.pictures.decoder import Description, Verdict
from apps.pictures.tests import hostile_pictures, made

type Content = Callable[[], bytes]

DECODED, UNREADABLE = Verdict.DECODED, Verdict.UNREADABLE
TOO_MANY_PIXELS, TOO_MUCH_WORK = Verdict.TOO_MANY_PIXELS, Verdict.TOO_MUCH_WORK
PEAK_LIMIT = 150  # MB

CORPUS: dict[str, tuple[Content, Verdict]] = {
    # What people send.
    **{f"orientation {number}": (partial(made.sideways, number), DECODED) for number in range(1, 9)},
    "png with orientation": (lambda: made.sideways(6, "PNG"), DECODED),
    "cmyk": (lambda: made.encoded(made.noise(900, 600).convert("CMYK"), "JPEG"), DECODED),
    "grey with alpha": (lambda: made.encoded(Image.new("LA", (90, 60), (90, 128))), DECODED),
    "one bit": (lambda: made.encoded(Image.new("1", (90, 60), 1)), DECODED),
    "16 bits": (lambda: made.encoded(Image.new("I;16", (90, 60), 40_000)), DECODED),
    "palette with transparency": (
        lambda: made.encoded(made.noise(90, 60).quantize(9), transparency=3),
        DECODED,
    ),
    "gif, animated": (lambda: made.animation("GIF"), DECODED),
    "webp, animated": (lambda: made.animation("WEBP"), DECODED),
    "png, animated": (lambda: made.animation("PNG"), DECODED),
    "gif, too many frames": (lambda: made.animation("GIF", decoder.FRAMES_LIMIT + 1, (40, 30)), DECODED),
    "heic": (lambda: made.encoded(made.noise(900, 600), "HEIF"), DECODED),
    "avif": (lambda: made.encoded(made.noise(900, 600), "AVIF", speed=10), DECODED),
    "one pixel": (lambda: made.content("PNG", (1, 1)), DECODED),
    "a line": (lambda: made.content("PNG", (12_000, 1)), DECODED),
    "a column": (lambda: made.content("PNG", (1, 12_000)), DECODED),
    "two pictures of a phone": (lambda: two_pictures(), DECODED),
    # The largest that are taken.
    "jpeg, 48 million": (lambda: made.encoded(made.noise(8000, 6000), "JPEG", quality=60), DECODED),
    "jpeg, as large as can be unscaled": (lambda: made.encoded(made.noise(4095, 4095), "JPEG"), DECODED),
    "progressive, 12 million": (
        lambda: made.encoded(made.noise(3464, 3464), "JPEG", progressive=True, subsampling=0),
        DECODED,
    ),
    "heic, 24 million": (
        lambda: made.encoded(made.noise(5712, 4284), "HEIF", quality=60, enc_params={"preset": "ultrafast"}),
        DECODED,
    ),
    "avif, 12 million": (lambda: made.encoded(made.noise(4032, 3024), "AVIF", speed=10), DECODED),
    "webp, 4 million": (lambda: made.encoded(made.noise(2048, 2048), "WEBP", method=0), DECODED),
    "png with alpha, 8 million": (
        lambda: made.encoded(
            Image.merge("RGBA", [*made.noise(2900, 2900).split(), Image.new("L", (2900, 2900), 128)])
        ),
        DECODED,
    ),
    "png, 16 million": (lambda: made.content("PNG", (4000, 4000)), DECODED),
    "png, 16 million in 16 bits": (lambda: made.encoded(Image.new("I;16", (4000, 4000), 9)), DECODED),
    # What is refused by its header.
    "50,000 × 50,000": (lambda: hostile_pictures.png(50_000, 50_000), TOO_MANY_PIXELS),
    "a side of 2^31": (lambda: hostile_pictures.png(2**31 - 1, 2**31 - 1), TOO_MANY_PIXELS),
    "40 million pixels": (lambda: hostile_pictures.png(10_000, 4_001), TOO_MANY_PIXELS),
    "one column of 16 million": (lambda: hostile_pictures.png_of_one_column(16_000_000), TOO_MANY_PIXELS),
    "progressive, 79 million in color": (
        lambda: hostile_pictures.progressive(8900, 8900, components=3),
        TOO_MANY_PIXELS,
    ),
    "progressive, 79 million grey": (
        lambda: hostile_pictures.progressive(8900, 8900, scans=200),
        TOO_MUCH_WORK,
    ),
    "9,000 scans": (lambda: hostile_pictures.progressive(3400, 3400, scans=9_000), TOO_MUCH_WORK),
    # What is no picture, or only half a one.
    "nothing": (lambda: b"", UNREADABLE),
    "text": (lambda: b"not a picture", UNREADABLE),
    "svg with a script": (
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        UNREADABLE,
    ),
    "html that begins as a gif": (lambda: b"GIF89a/*<script>alert(1)</script>*/=1;" + b"\0" * 20, UNREADABLE),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", UNREADABLE),
    "bmp": (lambda: made.content("BMP"), UNREADABLE),
    "cut jpeg": (lambda: made.content()[:1500], UNREADABLE),
    "cut png": (lambda: made.encoded(made.noise(90, 60))[:900], UNREADABLE),
    "cut webp": (lambda: made.encoded(made.noise(90, 60), "WEBP")[:900], UNREADABLE),
    "cut gif": (lambda: made.animation("GIF")[:200], UNREADABLE),
    "cut heic": (lambda: made.encoded(made.noise(90, 60), "HEIF")[:900], UNREADABLE),
    "cut avif": (lambda: made.encoded(made.noise(90, 60), "AVIF")[:500], UNREADABLE),
    "a header without pixels": (lambda: hostile_pictures.png(900, 600), UNREADABLE),
    "heic by its first bytes": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 60, UNREADABLE),
    # Two things at once, and bombs.
    "jpeg with a zip behind it": (lambda: made.content() + b"PK\x03\x04" + b"\0" * 5000, DECODED),
    "jpeg with a script in its comment": (
        lambda: made.content(comment=b"<script>alert(1)</script>"),
        DECODED,
    ),
    "png with a bomb as its profile": (
        lambda: made.png_with(b"iCCP", made.bomb(b"icc")),
        UNREADABLE,
    ),
    "png with a bomb as its text": (lambda: made.png_with(b"zTXt", made.bomb(b"text")), UNREADABLE),
    "png with a bomb as its long text": (
        lambda: made.png_with(b"iTXt", made.bomb(b"text\0\1\0", 400_000_000)),
        UNREADABLE,
    ),
    "png with a bomb as its pixels": (lambda: pixel_bomb(), DECODED),
    "a profile that is none": (lambda: made.content(icc_profile=b"not a profile" * 99), DECODED),
}


def two_pictures() -> bytes:
    frame = made.noise(2856, 2142)
    return made.encoded(frame, "MPO", save_all=True, append_images=[frame.resize((600, 450))])


def pixel_bomb() -> bytes:
    """More rows than its header says: what is beyond them is not decompressed."""
    packed = made.bomb(b"")[2:]
    return hostile_pictures.png_of_data(90, 60, packed)


class Run(NamedTuple):
    verdict: int
    peak: int  # MB
    description: Description | None
    variants: list[bytes]

    def variant(self, name: str) -> Image.Image:
        assert self.description is not None
        return Image.open(io.BytesIO(self.variants[list(self.description["sizes"]).index(name)]))


def run(
    content: bytes,
    shape: str = "whole",
    *,
    keeps_moving: bool = True,
    data_bytes: int = decoder.DATA_BYTES,
) -> Run:
    """The decoder in its process. It reports its own peak: `wait4`'s includes the parent's."""
    program = f"""
import os, re, sys
sys.path.insert(0, {str(settings.BASE_DIR)!r})
from apps.pictures import decoder
decoder.DATA_BYTES = {data_bytes}
verdict = decoder.main({shape!r}, keeps_moving={keeps_moving})
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr, flush=True)
os._exit(verdict)"""
    done = subprocess.run(
        [sys.executable, "-c", program], input=content, capture_output=True, env=decoding.ENVIRONMENT
    )
    line, _newline, rest = done.stdout.partition(b"\n")
    found = re.search(rb"^(\d+)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    description: Description | None = json.loads(line) if line else None
    variants = []
    for size in (description or {"sizes": {}})["sizes"].values():
        variants.append(rest[:size])
        rest = rest[size:]
    return Run(done.returncode, int(found[1]) // 1024, description, variants)


@pytest.mark.asvs("1.3.4", "5.2.1", "5.2.2", "15.2.2")
@pytest.mark.parametrize("name", CORPUS)
def test_each_upload_ends_as_the_table_says_within_the_memory_of_its_process(name: str) -> None:
    make, verdict = CORPUS[name]
    content = make()
    assert len(content) <= decoding.BYTES_LIMIT
    done = run(content)
    assert (done.verdict, done.peak < PEAK_LIMIT) == (verdict, True), f"{done.peak} MB"
    if verdict == DECODED:
        assert done.description is not None
        assert list(done.description["sizes"]) == ["full", "list", "thumb"]
        for variant, name, side in zip(
            done.variants, ("full", "list", "thumb"), (2048, 800, 400), strict=True
        ):
            assert variant[:4] + variant[8:12] == b"RIFFWEBP"
            assert b"<script>" not in variant
            assert max(done.variant(name).size) <= side


def test_a_picture_for_whose_encoder_the_memory_is_too_little_is_too_much_work() -> None:
    """The file can be read: it is decoded with this much memory, and not encoded."""
    content = made.encoded(Image.new("RGBA", (2048, 2048), (9, 9, 9, 128)))
    assert run(content, data_bytes=60 << 20).verdict == TOO_MUCH_WORK
    assert run(content).verdict == DECODED


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("shape", "variant"), [("whole", "thumb"), ("square", "square"), ("wide", "band")])
def test_every_exif_orientation_is_applied(orientation: int, shape: str, variant: str) -> None:
    result = run(made.sideways(orientation), shape).variant(variant).convert("L")
    width, height = result.size
    corners = [(width // 4, height // 4), (width * 3 // 4, height // 4), (width // 4, height * 3 // 4)]
    assert width >= height
    assert [shade(result, *corner) > 128 for corner in corners] == [True, False, False]


@pytest.mark.parametrize("mode", ["I;16", "1", "L", "LA", "P", "CMYK", "RGBA"])
@pytest.mark.parametrize("side", [900, 4000])
def test_every_color_mode_keeps_its_brightness(mode: str, side: int) -> None:
    """Includes 16 bits per channel, which Pillow's conversion clips to white."""
    deep = mode == "I;16"
    half = Image.new("I;16" if deep else "L", (side, side), 0)
    half.paste(Image.new(half.mode, (side // 2, side), 40_000 if deep else 200), (0, 0))
    content = made.encoded(half.convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    result = run(content).variant("thumb").convert("L")
    assert shade(result, 350, 200) < 30
    assert shade(result, 50, 200) > 130


def test_a_transparent_color_of_a_palette_stays_transparent() -> None:
    picture = Image.new("P", (400, 200), 0)
    picture.putpalette([200, 30, 30, 30, 30, 200])
    picture.paste(1, (200, 0, 400, 200))
    result = run(made.encoded(picture, transparency=1)).variant("thumb")
    alpha = result.getchannel("A")
    assert (shade(alpha, 50, 50), shade(alpha, 350, 50)) == (255, 0)


def test_a_color_profile_is_converted() -> None:
    """With a profile whose red and green are exchanged, red becomes green."""
    swapped = swapped_profile()
    content = made.encoded(Image.new("RGB", (400, 300), (220, 20, 20)), icc_profile=swapped)
    red, green, _blue = run(content).variant("thumb").convert("RGB").getpixel((50, 50))  # type: ignore[misc]
    assert green > 150 > 100 > red


def swapped_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert b"rXYZ" in profile
    head, tags = profile[:132], profile[132:]
    return head + tags.replace(b"rXYZ", b"?XYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"?XYZ", b"gXYZ", 1)


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "canary"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    for content in (
        made.content(exif=exif.tobytes(), comment=b"canary", xmp=b"canary"),
        made.content("HEIF", exif=exif.tobytes()),
        made.content("WEBP", exif=exif.tobytes()),
        made.with_text("canary"),
    ):
        assert b"canary" in content
        done = run(content)
        assert done.variants
        for variant in done.variants:
            assert b"canary" not in variant
            assert {b"EXIF", b"ICCP", b"XMP "} & {variant[at : at + 4] for at in range(len(variant))} == set()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_moves_in_its_full_size_only(kind: str) -> None:
    done = run(made.animation(kind))
    assert done.description is not None
    assert done.description["is_animated"]
    full = done.variant("full")
    assert (full.n_frames, full.size) == (5, (480, 360))  # type: ignore[attr-defined]
    assert (done.description["width"], done.description["height"]) == full.size
    full.seek(1)
    full.load()
    assert full.info["duration"] == 80
    assert [getattr(done.variant(name), "n_frames", 1) for name in ("list", "thumb")] == [1, 1]


@pytest.mark.parametrize(
    ("content", "keeps_moving"),
    [
        (made.animation("GIF"), False),
        (made.animation("GIF", decoder.FRAMES_LIMIT + 1, (40, 30)), True),
        (made.animation("GIF", 2, (2000, 1200)), True),
    ],
    ids=["by choice", "too many frames", "too many pixels"],
)
def test_an_animation_is_shown_as_its_first_frame(content: bytes, keeps_moving: bool) -> None:
    done = run(content, keeps_moving=keeps_moving)
    assert done.description is not None
    assert not done.description["is_animated"]
    assert getattr(done.variant("full"), "n_frames", 1) == 1


def test_the_average_color_is_that_of_the_picture() -> None:
    done = run(made.content("PNG"))
    assert done.description is not None
    channels = [int(done.description["color"][at : at + 2], 16) for at in (1, 3, 5)]
    assert all(abs(a - b) < 4 for a, b in zip(channels, (0xBB, 0xD2, 0x6C), strict=True))


def shade(picture: Image.Image, x: int, y: int) -> int:
    """The brightness of one pixel of one channel."""
    found = picture.getpixel((x, y))
    assert isinstance(found, int)
    return found
