"""Runs the decoder (`decoder.py`): one upload at a time per machine, within limits of memory and time."""

import fcntl
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings
from django.core.files import File
from django.utils.translation import gettext as _

from apps.limits import Busy
from apps.pictures import decoder
from apps.pictures.decoder import SHAPES, Description, Verdict

log = structlog.get_logger("kwippy.pictures")

type Upload = File[bytes]  # not a class at run time

BYTES_LIMIT = 8 * 1024 * 1024
# Together less than 2 s: how long an upload waits for the one before it, and how long it may take itself.
LOCK_SECONDS = 0.4
WALL_SECONDS = 1.5
# What is ended with fewer CPU seconds than this had a busy machine, and may be decoded later.
STARVED_SECONDS = 1.3
# The C library returns large blocks to the kernel at once: a lower peak. No secrets of the site.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "1"}


@dataclass(frozen=True)
class Decoded:
    """The variants, or None and the reason. ``seconds`` is the CPU time, rounded up."""

    variants: dict[str, bytes] | None
    description: Description | None
    refusal: str
    seconds: int


def decode(upload: Upload, *, shape: str, keeps_moving: bool) -> Decoded:
    """Converts the upload to the variants of ``shape``: WebP without metadata.

    Raises `Busy` if the machine has no time for it now, and OSError if the disk is full.
    """
    if (upload.size or 0) > BYTES_LIMIT:
        return Decoded(None, None, too_big(), 0)
    with _lock(), tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        for chunk in upload.chunks():
            source.write(chunk)
        source.seek(0)
        status, seconds = _run(source, output, shape, keeps_moving=keeps_moving)
        if status == -signal.SIGKILL and seconds < STARVED_SECONDS:
            raise Busy("the machine is too busy to decode a picture")
        if status != Verdict.DECODED:
            return Decoded(None, None, _refusal(status), math.ceil(seconds))
        output.seek(0)
        try:
            description, variants = _parsed(output.read(decoder.OUTPUT_BYTES), shape)
        except (ValueError, KeyError, TypeError):
            log.exception("wrong output of the picture decoder")
            return Decoded(None, None, _refusal(Verdict.UNREADABLE), math.ceil(seconds))
        return Decoded(variants, description, "", math.ceil(seconds))


def too_big() -> str:
    return _("that file is too big; a picture may have %d MB.") % (BYTES_LIMIT >> 20)


def _refusal(status: int) -> str:
    if status == Verdict.UNREADABLE:
        return _("that's no picture we can read: JPEG, PNG, WebP, GIF, AVIF or HEIC, please.")
    if status == Verdict.TOO_MANY_PIXELS:
        return _("that picture has too many pixels; a smaller one, please.")
    return _("that picture is too much work for us; save it anew as a plain JPEG, or take a smaller one.")


@contextmanager
def _lock() -> Iterator[None]:
    """Locks a file beside the pictures, which all processes and containers share."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".decoding").open("w") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy("another picture is being decoded") from None
                time.sleep(0.02)
        yield


def _run(source: IO[bytes], output: IO[bytes], shape: str, *, keeps_moving: bool) -> tuple[int, float]:
    """Returns the decoder's exit status (negative: the signal that ended it) and its CPU seconds."""
    command = [sys.executable, "-I", decoder.__file__, shape, "moving" if keeps_moving else "still"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=source, stdout=output, stderr=subprocess.DEVNULL, env=_environment()
    )
    deadline = time.monotonic() + WALL_SECONDS
    while True:
        # Popen.wait would discard the resource usage, which is reported once.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.01)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH") if name in os.environ}
    return kept | ENVIRONMENT


def _parsed(output: bytes, shape: str) -> tuple[Description, dict[str, bytes]]:
    """The description and the variants. Hostile bytes ran through the decoder: its output is checked, too."""
    line, _newline, content = output.partition(b"\n")
    found = json.loads(line)
    width, height, sizes = int(found["width"]), int(found["height"]), found["sizes"]
    if not re.fullmatch("#[0-9a-f]{6}", found["color"]) or not (0 < width <= 4096 and 0 < height <= 4096):
        raise ValueError("the decoder's description is wrong")
    variants = {}
    for variant in SHAPES[shape]:
        variants[variant.name], content = content[: sizes[variant.name]], content[sizes[variant.name] :]
        if not re.match(rb"RIFF.{4}WEBP", variants[variant.name], re.DOTALL):
            raise ValueError("the decoder's output is no WebP")
    description = Description(
        width=width,
        height=height,
        color=found["color"],
        is_animated=bool(found["is_animated"]),
        sizes={name: len(variant) for name, variant in variants.items()},
    )
    return description, variants
