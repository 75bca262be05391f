"""Profile pictures: uploads are re-encoded in a child process, then stored in Django's default storage."""

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

from apps.accounts import picture_decoder
from apps.accounts.picture_decoder import Verdict
from apps.limits import Busy

BYTES_LIMIT = 8 * 1024 * 1024
SIDE = 400  # pixels of the stored square
LOCK_SECONDS = 2.0  # how long an upload waits for the lock
# The kernel limits the decoder's CPU time; this limits its elapsed time on a busy machine.
WALL_SECONDS = 20.0


@dataclass(frozen=True)
class Decoded:
    """A WebP, or None and the reason. ``seconds`` is the CPU time, rounded up."""

    picture: bytes | None
    refusal: str
    seconds: int


def decode(upload: UploadedFile) -> Decoded:
    """Converts the upload (of an animation, its first frame) to a square WebP without metadata.

    One upload at a time per machine, in a child process (`apps.accounts.picture_decoder`). Raises `Busy` if
    the lock is not free within `LOCK_SECONDS`, and OSError if the disk is full.
    """
    if (upload.size or 0) > BYTES_LIMIT:
        return Decoded(None, too_big(), 0)
    with _lock(), tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        for chunk in upload.chunks():
            source.write(chunk)
        source.seek(0)
        status, seconds = _run(source, output)
        output.seek(0)
        if status == Verdict.DECODED:
            return Decoded(output.read(picture_decoder.OUTPUT_BYTES), "", seconds)
        return Decoded(None, _refusal(status), seconds)


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


def _run(source: IO[bytes], output: IO[bytes]) -> tuple[int, int]:
    """Returns the decoder's exit status (negative: the signal that ended it) and its CPU seconds."""
    command = [sys.executable, "-I", picture_decoder.__file__, str(SIDE)]
    decoder = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=source, stdout=output, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + WALL_SECONDS
    while True:
        # Popen.wait would discard the resource usage, which is reported once.
        pid, status, usage = os.wait4(decoder.pid, os.WNOHANG)
        if pid:
            decoder.returncode = os.waitstatus_to_exitcode(status)
            return decoder.returncode, math.ceil(usage.ru_utime + usage.ru_stime)
        if time.monotonic() > deadline:
            decoder.kill()
        time.sleep(0.01)


def store(picture: bytes) -> str:
    """Saves a picture under a random name, which it returns. Raises OSError, and then leaves no file."""
    name = f"{secrets.token_hex(16)}.webp"
    try:
        default_storage.save(_path(name), ContentFile(picture))
    except OSError:
        remove(name)
        raise
    return name


def remove(name: str) -> None:
    if name:
        default_storage.delete(_path(name))


def url(name: str) -> str:
    return default_storage.url(_path(name))


def read(name: str) -> bytes | None:
    try:
        with default_storage.open(_path(name)) as file:
            picture: bytes = file.read()
    except OSError:
        return None
    return picture


def _path(name: str) -> str:
    return f"avatars/{name}"
