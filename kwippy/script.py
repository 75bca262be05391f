"""The script of all pages: `static/kwippy.js`, with the files that it names in their places.

A page loads it once, after it is painted. It is plain JavaScript: nothing is compiled.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, overload

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from kwippy import stylesheet

SCRIPT = "kwippy.js"
SOURCE = settings.BASE_DIR / "static" / SCRIPT
# Files of their own: loaded when a member begins to write, with the first key or picture, by the offline
# page, by the pages of second factors, and by forms with a puzzle.
LATER: dict[str, tuple[str, ...]] = {
    "mentions.js": ("mentions.js", "keeping.js"),
    **{
        name: (name,)
        for name in (
            "keys.js",
            "pictures.js",
            "offline.js",
            "factors.js",
            "puzzle.js",
            "puzzle-worker.js",
        )
    },
}
_NAMED = re.compile(r'"([\w-]+\.js)"')
# Comments that begin a line, and those behind code. No text of a script has two slashes between spaces.
_COMMENT = re.compile(r"^\s*/\*.*?\*/|^\s*//.*?$|[ \t]+// .*?$", re.DOTALL | re.MULTILINE)


def named() -> list[str]:
    """The files, in the order in which they run."""
    return _NAMED.findall(SOURCE.read_text())


def joined(names: Iterable[str]) -> str:
    """The scripts one after the other, without comments and indentation."""
    text = _COMMENT.sub("", "\n".join((SOURCE.parent / name).read_text() for name in names))
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


def build() -> Path:
    """Writes what changed beside STATIC_ROOT; returns the folder that has it."""
    root = Path(settings.STATIC_ROOT)
    folder = root.with_name(f"{root.name}.built")
    folder.mkdir(parents=True, exist_ok=True)
    for name, sources in ((SCRIPT, named()), *LATER.items()):
        target, text = folder / name, joined(sources)
        if not target.exists() or target.read_text() != text:
            unfinished = target.with_name(f".{target.name}.{os.getpid()}")
            unfinished.write_text(text)
            unfinished.replace(target)
    return folder


class Finder(stylesheet.Finder):
    """Finds the built scripts, and the built style sheet, in place of their sources."""

    @overload
    def find(self, path: str, find_all: Literal[False] = False) -> str | None: ...
    @overload
    def find(self, path: str, find_all: Literal[True]) -> list[str]: ...
    def find(self, path: str, find_all: bool = False) -> Any:
        if path not in (SCRIPT, *LATER):
            return super().find(path, find_all=find_all)  # type: ignore[call-overload]
        found = str(build() / path)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        sources = {SCRIPT, *named(), *chain.from_iterable(LATER.values())}
        for path, storage in super().list(ignore_patterns):
            if path not in sources:
                yield path, storage
        built = FileSystemStorage(location=build())
        for path in (SCRIPT, *LATER):
            yield path, built
