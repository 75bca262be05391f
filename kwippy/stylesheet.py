"""The style sheet of all pages: `static/css/kwippy.css`, with the files that it imports in their places.

The source is plain CSS: a server that has only the folder shows the same pages, with more requests.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, overload

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage

SHEET = "css/kwippy.css"
SOURCE = settings.BASE_DIR / "static" / SHEET
_IMPORT = re.compile(r'@import "([^"]+)";')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Around braces and the ends of declarations, and after a colon, which selectors have no space after.
_SPACE = re.compile(r"\s*([{};])\s*|(?<=:)[ \t]+")
# Around commas and the sign of a child, which no string of a style sheet has.
_SIGN = re.compile(r" ?([,>]) ")
# Of a fraction.
_ZERO = re.compile(r"(?<![\w.])0\.(?=\d)")


def imported() -> list[str]:
    """The imported files, in the order of the cascade."""
    return _IMPORT.findall(SOURCE.read_text())


def joined() -> str:
    """The style sheet, without comments and needless space."""
    text = _COMMENT.sub("", "".join((SOURCE.parent / name).read_text() for name in imported()))
    text = re.sub(r"\s+", " ", _SPACE.sub(r"\1", text)).strip()
    return _ZERO.sub(".", _SIGN.sub(r"\1", text.replace(";}", "}")))


def build() -> Path:
    """Writes the style sheet beside STATIC_ROOT if it changed; returns the folder that has it."""
    root = Path(settings.STATIC_ROOT)
    folder = root.with_name(f"{root.name}.built")
    target, text = folder / SHEET, joined()
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        unfinished.write_text(text)
        unfinished.replace(target)
    return folder


class Finder(FileSystemFinder):
    """Finds the built style sheet in place of its sources."""

    @overload
    def find(self, path: str, find_all: Literal[False] = False) -> str | None: ...
    @overload
    def find(self, path: str, find_all: Literal[True]) -> list[str]: ...
    def find(self, path: str, find_all: bool = False) -> Any:
        if path != SHEET:
            return super().find(path, find_all=find_all)  # type: ignore[call-overload]
        found = str(build() / SHEET)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        folder = SHEET.partition("/")[0]
        for path, storage in super().list(ignore_patterns):
            if Path(path).parts[0] != folder:
                yield path, storage
        yield SHEET, FileSystemStorage(location=build())
