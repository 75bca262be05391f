"""The files of exports and imports, below ARCHIVE_ROOT. A file appears under its name when it is complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

EXPORTS, IMPORTS = "exports", "imports"


def parts_of(export_id: int) -> Path:
    """The folder of the parts of an export in the making."""
    return _folder(EXPORTS) / f"{export_id}"


def archive_of(export_id: int) -> Path:
    return _folder(EXPORTS) / f"{export_id}.zip"


def of_export(export_id: int) -> tuple[Path, Path]:
    return parts_of(export_id), archive_of(export_id)


def upload_of(import_id: int) -> Path:
    return _folder(IMPORTS) / f"{import_id}.upload"


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which gets its name at the end: a process that is killed leaves no half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove(*paths: Path) -> None:
    """Removes files and folders; those that do not exist are skipped."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def ids_in(kind: str) -> dict[int, list[Path]]:
    """The files and folders of exports, or of imports, by the id that their names begin with."""
    found: dict[int, list[Path]] = {}
    folder = _folder(kind)
    for path in folder.iterdir() if folder.is_dir() else ():
        number = path.name.partition(".")[0]
        if number.isdigit():
            found.setdefault(int(number), []).append(path)
    return found


def _folder(kind: str) -> Path:
    return Path(settings.ARCHIVE_ROOT) / kind
