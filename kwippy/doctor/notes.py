"""Notes: a file with a time and a few words each, in a folder that all containers see.

`deploy/backup` and `deploy/restore` write them; the doctor, the metrics and the daily mail read them. They
are not in the database: the last backup is of interest when that is down, and a restore replaces it.
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

# The last backup; when a backup was last restored, and which; the certificate's end; the doctor's last mail.
BACKUP, RESTORED, CERTIFICATE, MAILED = "backup", "restored", "certificate", "mailed"


@dataclass(frozen=True, slots=True)
class Note:
    """``at`` is a time, in seconds since 1970; ``words`` are what follows it in the file."""

    at: float
    words: str = ""

    @property
    def age(self) -> float:
        return time.time() - self.at


def read(name: str) -> Note | None:
    """The note; None if there is none, or if it can't be understood."""
    try:
        at, _, words = _path(name).read_text(errors="replace")[:1000].strip().partition(" ")
        return Note(float(at), words)
    except (OSError, ValueError):
        return None


def write(name: str, note: Note) -> None:
    """Replaces the note. Raises OSError."""
    unfinished = _path(f".{name}.new")
    unfinished.write_text(f"{int(note.at)} {note.words}".rstrip() + "\n")
    unfinished.replace(_path(name))


def try_to_write(name: str, note: Note) -> None:
    """Replaces the note if the folder is there and may be written to."""
    with contextlib.suppress(OSError):
        write(name, note)


def _path(name: str) -> Path:
    return Path(settings.OPERATIONS_ROOT) / name
