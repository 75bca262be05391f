"""Decodes one picture in a process of its own: `python picture_decoder.py SIDE <upload >square.webp`.

It imports only Pillow and the standard library. The site imports it too, without Pillow, which takes 4 MB
of a process. No check of the file can predict all the memory and time that its decoder needs, so the kernel
limits both, and a hostile file kills this process only. The exit status is a `Verdict`, or the signal that
ended the process.
"""

import io
import os
import resource
import signal
import sys
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

CPU_SECONDS = 5
MEMORY_BYTES = 400 * 1024 * 1024
OUTPUT_BYTES = 1024 * 1024

# SVG is excluded, since it can contain scripts. JPEG includes MPO, the multi-picture format of phones.
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "AVIF"]
SIDE_LIMIT = 12_000
# A decoder needs a few bytes per pixel. A sequential JPEG is scaled down while it is decoded. For a
# progressive one libjpeg holds all coefficients, and each scan is a pass over them.
PIXELS_LIMIT = 16_000_000
JPEG_PIXELS_LIMIT = 80_000_000
PROGRESSIVE_PIXELS_LIMIT = 12_000_000
HEIF_PIXELS_LIMIT = 25_000_000
SCANS_LIMIT = 100
_START_OF_SCAN = b"\xff\xda"


class Verdict(IntEnum):
    """Exit statuses."""

    DECODED = 0
    UNREADABLE = 3
    TOO_MANY_PIXELS = 4
    TOO_MUCH_WORK = 5


class Refused(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def main(side: int) -> Verdict:
    """Decodes standard input to standard output."""
    limit_resources()
    upload = sys.stdin.buffer.read()
    try:
        picture = square(upload, side)
    except Refused as refused:
        return refused.verdict
    except MemoryError:
        return Verdict.TOO_MUCH_WORK
    except Exception:  # a damaged file can raise any error
        return Verdict.UNREADABLE
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()
    return Verdict.DECODED


def limit_resources() -> None:
    """Limits CPU time, memory and output. If memory runs out, the kernel kills this process first."""
    for kind, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if (score := Path("/proc/self/oom_score_adj")).exists():
        score.write_text("1000")


def square(upload: bytes, side: int) -> bytes:
    """A WebP of ``side`` × ``side`` pixels without metadata. Raises `Refused`, or any error of Pillow's."""
    from PIL import AvifImagePlugin, Image

    Image.MAX_IMAGE_PIXELS = None  # `check_header` has its own limits
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    formats = FORMATS
    if upload[4:8] == b"ftyp":  # both AVIF and HEIC
        import pillow_heif  # late: the import takes 20 ms

        pillow_heif.register_heif_opener(thumbnails=False)
        pillow_heif.options.DECODE_THREADS = 1
        formats = [*FORMATS, "HEIF"]
    with Image.open(io.BytesIO(upload), formats=formats) as picture:
        check_header(picture, upload)
        return _square(picture, side)


def check_header(picture: "Image.Image", upload: bytes) -> None:
    """Raises `Refused` if the header announces too many pixels or scans."""
    pixels = picture.width * picture.height
    limit = PIXELS_LIMIT
    if picture.format in ("JPEG", "MPO"):
        progressive = picture.info.get("progressive") or picture.info.get("progression")
        limit = PROGRESSIVE_PIXELS_LIMIT if progressive else JPEG_PIXELS_LIMIT
        if upload.count(_START_OF_SCAN) > SCANS_LIMIT:
            raise Refused(Verdict.TOO_MUCH_WORK)
    elif picture.format == "HEIF":
        limit = HEIF_PIXELS_LIMIT
    if pixels > limit or max(picture.size) > SIDE_LIMIT:
        raise Refused(Verdict.TOO_MANY_PIXELS)


def _square(picture: "Image.Image", side: int) -> bytes:
    from PIL import Image, ImageOps

    picture.draft("RGB", (side, side))  # libjpeg scales a large JPEG while decoding
    coarse = max(1, min(picture.size) // (2 * side))
    small = _in_eight_bits(picture).reduce(coarse)
    small.info, small._exif = picture.info, picture.getexif()
    upright = ImageOps.exif_transpose(small)
    # A new image of the pixels alone drops EXIF, GPS, comments and profiles.
    fitted = ImageOps.fit(upright.convert("RGBA"), (side, side), method=Image.Resampling.LANCZOS)
    output = io.BytesIO()
    Image.frombytes("RGBA", fitted.size, fitted.tobytes()).save(output, "WEBP", quality=82)
    return output.getvalue()


def _in_eight_bits(picture: "Image.Image") -> "Image.Image":
    """Converts to a mode that `reduce` supports, with 8 bits per channel."""
    if picture.mode.startswith("I;16"):
        # Pillow's conversion clips at 255 instead of scaling: everything but black becomes white.
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("P", "1", "PA"):
        return picture.convert("RGBA")
    return picture.convert(picture.mode)


if __name__ == "__main__":
    # Skips the interpreter's shutdown, which takes time.
    os._exit(main(int(sys.argv[1])))
