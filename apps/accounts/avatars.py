"""Pictures of people: decoded in a process of their own, and never kept as they came."""

import fcntl
import math
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from apps.accounts import decoding
from apps.accounts.decoding import Verdict
from apps.limits import Busy

BYTES_LIMIT = 8 * 1024 * 1024
SIDE = 400  # pixels of the square that is kept
TURN_SECONDS = 2.0  # how long an upload waits for the one before it
# The kernel ends the decoder after its CPU seconds; on a machine that is too busy to give it any, this does.
WALL_SECONDS = 20.0


@dataclass(frozen=True)
class Decoded:
    """What became of an upload: a WebP, or None and why not. ``seconds`` of CPU time are rounded up."""

    picture: bytes | None
    refusal: str
    seconds: int


def decode(upload: UploadedFile) -> Decoded:
    """The upload as a square WebP of `SIDE` pixels without metadata, of an animation the first picture.

    One upload at a time on this machine, in a process of its own (`apps.accounts.decoding`). Raises `Busy`
    where the turn does not come within `TURN_SECONDS`, OSError where there is no space.
    """
    if (upload.size or 0) > BYTES_LIMIT:
        return Decoded(None, too_big(), 0)
    with _turn(), tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as made:
        for chunk in upload.chunks():
            source.write(chunk)
        source.seek(0)
        status, seconds = _run(source, made)
        made.seek(0)
        if status == Verdict.MADE:
            return Decoded(made.read(decoding.OUTPUT_BYTES), "", seconds)
        return Decoded(None, _why_not(status), seconds)


def too_big() -> str:
    return _("that file is too big; a picture may have %d MB.") % (BYTES_LIMIT >> 20)


def _why_not(status: int) -> str:
    if status == Verdict.UNREADABLE:
        return _("that's no picture we can read: JPEG, PNG, WebP, GIF, AVIF or HEIC, please.")
    if status == Verdict.TOO_MANY_PIXELS:
        return _("that picture has too many pixels; a smaller one, please.")
    return _("that picture is too much work for us; save it anew as a plain JPEG, or take a smaller one.")


@contextmanager
def _turn() -> Iterator[None]:
    """The lock is a file beside the pictures: it holds for every process and container that decodes."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".decoding").open("w") as lock:
        deadline = time.monotonic() + TURN_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy("another picture is being decoded") from None
                time.sleep(0.02)
        yield


def _run(source: IO[bytes], made: IO[bytes]) -> tuple[int, int]:
    """The decoder's exit status (negative: the signal that ended it) and its CPU seconds."""
    command = [sys.executable, "-I", decoding.__file__, str(SIDE)]
    decoder = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=source, stdout=made, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + WALL_SECONDS
    while True:
        # Not Popen.wait: what the process used is told but once, to the call that collects it.
        ended, status, used = os.wait4(decoder.pid, os.WNOHANG)
        if ended:
            decoder.returncode = os.waitstatus_to_exitcode(status)
            return decoder.returncode, math.ceil(used.ru_utime + used.ru_stime)
        if time.monotonic() > deadline:
            decoder.kill()
        time.sleep(0.01)


def store(picture: bytes) -> str:
    """Save a picture in Django's default storage under a random name, whole or not at all; returns the name.

    Raises OSError (the disk is full).
    """
    name = f"{secrets.token_hex(16)}.webp"
    try:
        default_storage.save(_path(name), ContentFile(picture))
    except OSError:
        remove(name)
        raise
    return name


def remove(name: str) -> None:
    """Delete a picture; a missing one is ignored."""
    if name:
        default_storage.delete(_path(name))


def url(name: str) -> str:
    """The address of a picture, as the storage gives it."""
    return default_storage.url(_path(name))


def read(name: str) -> bytes | None:
    """The picture, or None where there is none."""
    try:
        with default_storage.open(_path(name)) as file:
            picture: bytes = file.read()
    except OSError:
        return None
    return picture


def _path(name: str) -> str:
    return f"avatars/{name}"
