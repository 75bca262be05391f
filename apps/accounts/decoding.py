"""The process that decodes one picture: `python decoding.py SIDE <upload >square.webp`.

A program of its own, of Pillow and the standard library alone. How much memory and time a decoder needs
depends on the file in ways that no list of known bombs covers, so the kernel bounds both: a file that needs
more ends this process and nothing else. The exit status is one of `Verdict`, or the signal that ended it.
"""

import io
import os
import resource
import signal
import sys
from enum import IntEnum
from pathlib import Path

from PIL import AvifImagePlugin, Image, ImageOps

CPU_SECONDS = 5
MEMORY_BYTES = 400 * 1024 * 1024
OUTPUT_BYTES = 1024 * 1024

# Not SVG: that is a program. JPEG includes MPO, several pictures in one file, as phones write it.
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "AVIF"]
SIDE_LIMIT = 12_000
# A decoder needs a few bytes a pixel. A sequential JPEG is decoded small to begin with; of a progressive one
# libjpeg holds all coefficients, and each scan costs a pass over them.
PIXELS_LIMIT = 16_000_000
JPEG_PIXELS_LIMIT = 80_000_000
PROGRESSIVE_PIXELS_LIMIT = 12_000_000
HEIF_PIXELS_LIMIT = 25_000_000
SCANS_LIMIT = 100
_START_OF_SCAN = b"\xff\xda"


class Verdict(IntEnum):
    """Exit statuses."""

    MADE = 0
    UNREADABLE = 3
    TOO_MANY_PIXELS = 4
    TOO_MUCH_WORK = 5


class Refused(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def main(side: int) -> Verdict:
    """Decode standard input to standard output."""
    bound_this_process()
    upload = sys.stdin.buffer.read()
    try:
        made = square(upload, side)
    except Refused as refused:
        return refused.verdict
    except MemoryError:
        return Verdict.TOO_MUCH_WORK
    except Exception:  # a decoder raises whatever a damaged file makes it raise
        return Verdict.UNREADABLE
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return Verdict.MADE


def bound_this_process() -> None:
    """CPU time, address space, output. When memory runs out, the kernel ends this process first."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if (score := Path("/proc/self/oom_score_adj")).exists():
        score.write_text("1000")


def square(upload: bytes, side: int) -> bytes:
    """The picture as a WebP of ``side`` × ``side`` pixels without metadata.

    Raises `Refused`, MemoryError, or any error of Pillow's.
    """
    Image.MAX_IMAGE_PIXELS = None  # `judge` has limits of its own
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    formats = FORMATS
    if upload[4:8] == b"ftyp":  # of AVIF and HEIC alike
        import pillow_heif  # 20 ms that most pictures need not wait for

        pillow_heif.register_heif_opener(thumbnails=False)
        pillow_heif.options.DECODE_THREADS = 1
        formats = [*FORMATS, "HEIF"]
    with Image.open(io.BytesIO(upload), formats=formats) as picture:
        judge(picture, upload)
        return _square(picture, side)


def judge(picture: Image.Image, upload: bytes) -> None:
    """Raises `Refused` where the header alone says that decoding would cost too much."""
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


def _square(picture: Image.Image, side: int) -> bytes:
    picture.draft("RGB", (side, side))  # a large JPEG is decoded small
    coarse = max(1, min(picture.size) // (2 * side))
    small = _in_eight_bits(picture).reduce(coarse)
    small.info, small._exif = picture.info, picture.getexif()
    upright = ImageOps.exif_transpose(small)
    # A new image from the pixels alone: EXIF, GPS, comments, profiles stay behind.
    made = ImageOps.fit(upright.convert("RGBA"), (side, side), method=Image.Resampling.LANCZOS)
    kept = io.BytesIO()
    Image.frombytes("RGBA", made.size, made.tobytes()).save(kept, "WEBP", quality=82)
    return kept.getvalue()


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """In a mode that can be reduced, with 8 bits a channel."""
    if picture.mode.startswith("I;16"):
        # Pillow's own conversion cuts off at 255 instead of scaling: all but black becomes white.
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("P", "1", "PA"):
        return picture.convert("RGBA")
    return picture.convert(picture.mode)


if __name__ == "__main__":
    # Not by way of the interpreter's own end: there is nothing to tidy up.
    os._exit(main(int(sys.argv[1])))
