"""Decodes one picture in a process of its own: `python decoder.py SHAPE still|moving <upload >variants`.

It imports only Pillow and the standard library. The site imports it too, without Pillow, which takes 4 MB
of a process. No check of the file can predict all the memory and time that its decoder needs, so the kernel
limits both, and a hostile file kills this process only. The exit status is a `Verdict`, or the signal that
ended the process. The output: one line of JSON (`Description`), then the variants, one after the other.
"""

import io
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from PIL import Image

CPU_SECONDS = 2
MEMORY_BYTES = 400 * 1024 * 1024  # of addresses
DATA_BYTES = 142 * 1024 * 1024  # of memory that is written to; libraries take another few MB
OUTPUT_BYTES = 6 * 1024 * 1024

# SVG is excluded, since it can contain scripts. JPEG includes MPO, the multi-picture format of phones.
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "AVIF"]
SIDE_LIMIT = 12_000
# A decoder needs a few bytes per pixel. A sequential JPEG is scaled down while it is decoded. For a
# progressive one libjpeg holds all coefficients, and each scan is a pass over them.
PIXELS_LIMITS = {
    "JPEG": 80_000_000,
    "MPO": 80_000_000,
    "progressive": 12_000_000,
    "PNG": 16_000_000,
    "GIF": 16_000_000,
    "AVIF": 12_600_000,
    "HEIF": 24_600_000,
    "WEBP": 4_600_000,  # its decoder has four copies of a picture
}
STRIP_ROWS = 64
SCANS_LIMIT = 100
PROFILE_LIMIT = 4 * 1024 * 1024
_START_OF_SCAN = b"\xff\xda"

QUALITY = 80
NO_METADATA = {"exif": b"", "icc_profile": b"", "xmp": b""}  # otherwise Pillow might copy the upload's
EFFORT = 2  # of libwebp, 0 to 6
# An animation beyond these is shown as its first frame.
FRAMES_LIMIT = 120
MOVING_PIXELS_LIMIT = 40_000_000  # of all frames
FRAME_PIXELS_LIMIT = 2_000_000
MOVING_SIDE = 480
MOVING_SECONDS = 1.0  # of CPU time


class Verdict(IntEnum):
    """Exit statuses."""

    DECODED = 0
    UNREADABLE = 3
    TOO_MANY_PIXELS = 4
    TOO_MUCH_WORK = 5


class Refused(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class TooLong(Exception):
    """An animation that is shown as its first frame."""


class Variant(NamedTuple):
    """The picture fits into the box; ``is_cut``: it fills the box, and what stands out is cut off."""

    name: str
    width: int
    height: int
    is_cut: bool = False


# From the largest to the smallest: each is made from the one before.
SHAPES = {
    "whole": (Variant("full", 2048, 2048), Variant("list", 800, 800), Variant("thumb", 400, 400)),
    "square": (Variant("square", 400, 400, is_cut=True),),
    "wide": (Variant("wide", 1500, 500, is_cut=True), Variant("band", 750, 250, is_cut=True)),
}


class Description(TypedDict):
    width: int  # of the largest variant
    height: int
    color: str  # the average, as "#rrggbb"
    is_animated: bool
    sizes: dict[str, int]  # the bytes of each variant by its name, in the order of the output


def main(shape: str, *, keeps_moving: bool) -> Verdict:
    """Decodes standard input to standard output."""
    limit_resources()
    upload = sys.stdin.buffer.read()
    try:
        description, variants = decoded(upload, shape, keeps_moving=keeps_moving)
    except Refused as refused:
        return refused.verdict
    except MemoryError:
        return Verdict.TOO_MUCH_WORK
    except Exception:  # a damaged file can raise any error
        return Verdict.UNREADABLE
    sys.stdout.buffer.write(json.dumps(description).encode() + b"\n")
    sys.stdout.buffer.writelines(variants)
    sys.stdout.buffer.flush()
    return Verdict.DECODED


def limit_resources() -> None:
    """Limits CPU time, memory and output. If memory runs out, the kernel kills this process first."""
    for kind, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_DATA, DATA_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if (score := Path("/proc/self/oom_score_adj")).exists():
        score.write_text("1000")


def decoded(upload: bytes, shape: str, *, keeps_moving: bool) -> tuple[Description, list[bytes]]:
    """The variants as WebP without metadata. Raises `Refused`, or any error of Pillow's."""
    from PIL import AvifImagePlugin, Image

    Image.MAX_IMAGE_PIXELS = None  # `check_header` has its own limits
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    largest, moving = SHAPES[shape][0], None
    if upload[4:8] == b"ftyp" and upload[8:12] not in (b"avif", b"avis"):
        return _made(_upright_heif(upload, largest), SHAPES[shape], None)
    if keeps_moving:
        with Image.open(io.BytesIO(upload), formats=FORMATS) as picture:
            check_header(picture, upload)
            moving = _moving(picture)
    with Image.open(io.BytesIO(upload), formats=FORMATS) as picture:
        check_header(picture, upload)
        return _made(_upright(picture, largest), SHAPES[shape], moving)


def check_header(picture: "Image.Image", upload: bytes) -> None:
    """Raises `Refused` if the header announces too many pixels or scans."""
    kind = picture.format or ""
    if kind in ("JPEG", "MPO"):
        if picture.info.get("progressive") or picture.info.get("progression"):
            kind = "progressive"
        if upload.count(_START_OF_SCAN) > SCANS_LIMIT:
            raise Refused(Verdict.TOO_MUCH_WORK)
    check_size(picture.size, kind)


def check_size(size: tuple[int, int], kind: str) -> None:
    if size[0] * size[1] > PIXELS_LIMITS[kind] or max(size) > SIDE_LIMIT:
        raise Refused(Verdict.TOO_MANY_PIXELS)


def _made(
    picture: "Image.Image", variants: tuple[Variant, ...], moving: "Moving | None"
) -> tuple[Description, list[bytes]]:
    """Encodes the variants, each made from the one before."""
    made: dict[str, bytes] = {}
    size = (0, 0)
    for variant in variants:
        picture = _fitted(picture, variant)
        made[variant.name], size = _webp(picture), size if any(size) else picture.size
    if moving is not None:
        made[variants[0].name], size = moving
    description = Description(
        width=size[0],
        height=size[1],
        color=_average(picture),
        is_animated=moving is not None,
        sizes={name: len(content) for name, content in made.items()},
    )
    return description, list(made.values())


# ── Pixels ───────────────────────────────────────────────────────────────────────────────────────


def _upright(picture: "Image.Image", variant: Variant) -> "Image.Image":
    """The picture in sRGB with 8 bits per channel, hardly larger than ``variant``, turned upright."""
    orientation, profile = _orientation(picture), picture.info.get("icc_profile")
    width, height = picture.size if orientation < 5 else (picture.height, picture.width)
    scale = _scale(width, height, variant)
    # libjpeg scales a large JPEG while decoding it.
    picture.draft(None, (math.ceil(picture.width * scale), math.ceil(picture.height * scale)))
    picture.load()

    def strip(top: int, rows: int) -> "Image.Image":
        return _in_eight_bits(picture.crop((0, top, picture.width, top + rows)))

    ratio = picture.width / (scale * (width if orientation < 5 else height))
    small, coarse = picture, _coarse(ratio, variant)
    if coarse > 1 or strip(0, 1).mode != picture.mode:
        small = _reduced(picture.size, coarse, strip)
        picture.close()
    if not variant.is_cut:
        small = _fitted(small, variant)
        if small is not picture:
            picture.close()  # its pixels would take the encoder's memory
    return _turned(_in_srgb(small, profile), orientation)


def _upright_heif(upload: bytes, variant: Variant) -> "Image.Image":
    """The same of a HEIC picture, which libheif turns. Pillow's own image of it would not fit into memory."""
    import pillow_heif  # late: the import takes 20 ms
    from PIL import Image

    pillow_heif.options.DECODE_THREADS = 1
    heif = pillow_heif.open_heif(upload)
    check_size(heif.size, "HEIF")
    scale = _scale(heif.size[0], heif.size[1], variant)
    data = memoryview(heif.data)
    width, height = heif.size  # decoding can change it
    check_size(heif.size, "HEIF")

    def strip(top: int, rows: int) -> "Image.Image":
        part = data[top * heif.stride : (top + rows) * heif.stride]
        return Image.frombytes(heif.mode, (width, rows), part, "raw", heif.mode, heif.stride)

    return _in_srgb(
        _reduced((width, height), _coarse(1 / scale, variant), strip), heif.info.get("icc_profile")
    )


def _coarse(ratio: float, variant: Variant) -> int:
    """By which whole number the picture may be reduced before the finer filter.

    What is cut is reduced to twice its size. The largest variant may be a little smaller than its box.
    """
    return max(1, int(ratio / 2 if variant.is_cut else ratio + 0.4))


def _reduced(size: tuple[int, int], coarse: int, strip: Callable[[int, int], "Image.Image"]) -> "Image.Image":
    """The picture with a ``coarse``th of its sides, in strips: converted whole, it has no space."""
    from PIL import Image

    whole = None
    for top in range(0, size[1], STRIP_ROWS * coarse):
        part = strip(top, min(STRIP_ROWS * coarse, size[1] - top)).reduce(coarse)
        if whole is None:
            whole = Image.new(part.mode, (part.width, math.ceil(size[1] / coarse)))
        whole.paste(part, (0, top // coarse))
    assert whole is not None  # noqa: S101 - no picture is empty
    return whole


def _scale(width: int, height: int, variant: Variant) -> float:
    """How much smaller the variant is than the picture; 1 if it is not."""
    across, down = variant.width / width, variant.height / height
    return min(1.0, max(across, down) if variant.is_cut else min(across, down))


def _orientation(picture: "Image.Image") -> int:
    try:
        found = picture.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF: the picture may be fine
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _turned(picture: "Image.Image", orientation: int) -> "Image.Image":
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _in_eight_bits(picture: "Image.Image") -> "Image.Image":
    """Converts to a mode that `reduce` supports, with 8 bits per channel."""
    if picture.mode.startswith("I;16"):
        # Pillow's conversion clips at 255 instead of scaling: everything but black becomes white.
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("P", "1", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture


def _in_srgb(picture: "Image.Image", profile: bytes | None) -> "Image.Image":
    """RGB or RGBA. A profile that does not fit the picture is ignored."""
    has_alpha = picture.mode in ("RGBA", "LA")
    if profile and len(profile) <= PROFILE_LIMIT and picture.mode in ("RGB", "RGBA", "CMYK", "L", "LA"):
        from PIL import ImageCms

        alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None
        plain = {"RGBA": "RGB", "LA": "L"}.get(picture.mode, picture.mode)
        try:
            converted = ImageCms.profileToProfile(
                picture.convert(plain),
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            if alpha is not None:
                converted.putalpha(alpha)
            return converted
    mode = "RGBA" if has_alpha else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _fitted(picture: "Image.Image", variant: Variant) -> "Image.Image":
    from PIL import Image, ImageOps

    box = (variant.width, variant.height)
    if variant.is_cut:
        return ImageOps.fit(picture, box, method=Image.Resampling.LANCZOS)
    scale = _scale(picture.width, picture.height, variant)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _average(picture: "Image.Image") -> str:
    from PIL import Image

    pixel = picture.convert("RGBA").resize((1, 1), Image.Resampling.BOX)
    return "#" + pixel.tobytes()[:3].hex()


def _webp(picture: "Image.Image") -> bytes:
    """Raises MemoryError if the encoder fails: the picture was decoded, so that its file is not damaged."""
    output = io.BytesIO()
    try:
        picture.save(output, "WEBP", quality=QUALITY, method=EFFORT, **NO_METADATA)
    except ValueError as error:  # Pillow's for each of the encoder's errors, a lack of memory, too
        raise MemoryError from error
    return output.getvalue()


# ── Animations ───────────────────────────────────────────────────────────────────────────────────


class Moving(NamedTuple):
    content: bytes
    size: tuple[int, int]


def _moving(picture: "Image.Image") -> Moving | None:
    """The animation as WebP, None if the picture is none, or too long a one."""
    # Not MPO, whose pictures are no animation.
    if picture.format not in ("GIF", "PNG", "WEBP", "AVIF") or not getattr(picture, "is_animated", False):
        return None
    if picture.width * picture.height > FRAME_PIXELS_LIMIT:
        return None
    frames: int = picture.n_frames  # type: ignore[attr-defined]
    if frames > FRAMES_LIMIT or frames * picture.width * picture.height > MOVING_PIXELS_LIMIT:
        return None
    scale = _scale(picture.width, picture.height, Variant("", MOVING_SIDE, MOVING_SIDE))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    durations: list[int] = []
    output = io.BytesIO()
    try:
        _frames(picture, size, durations).save(
            output,
            "WEBP",
            save_all=True,
            duration=durations,
            loop=picture.info.get("loop", 1 if picture.format == "GIF" else 0),
            background=(0, 0, 0, 0),
            quality=QUALITY,
            method=0,
            **NO_METADATA,
        )
    except TooLong:
        return None
    return Moving(output.getvalue(), size)


def _frames(picture: "Image.Image", size: tuple[int, int], durations: list[int]) -> "Image.Image":
    """An image whose frames are made when they are encoded: all of them do not fit into memory."""
    from PIL import Image

    class Frames(Image.Image):
        n_frames = picture.n_frames  # type: ignore[attr-defined]

        def tell(self) -> int:
            return 0

        def seek(self, frame: int) -> None:
            if time.process_time() > MOVING_SECONDS:
                raise TooLong
            picture.seek(frame)
            shown = picture.convert("RGBA").resize(size, Image.Resampling.BILINEAR)
            self.im, self._mode, self._size = shown.im, shown.mode, shown.size
            if len(durations) == frame:
                durations.append(min(10_000, max(20, round(picture.info.get("duration", 100)))))

    frames = Frames()
    frames._size = size
    return frames


if __name__ == "__main__":
    # Skips the interpreter's shutdown, which takes time.
    os._exit(main(sys.argv[1], keeps_moving=sys.argv[2] == "moving"))
