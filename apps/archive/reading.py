"""Reads what a person uploads, within limits. Nothing is extracted, and no name in it becomes a path.

A reader yields rows in the same order each time. It raises `Refused` for a file as a whole; a single row that
makes no sense is yielded as it is, and its own import refuses it.
"""

import csv
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.archive.models import Import
from apps.archive.registry import FORMAT, VERSION

UPLOAD_BYTES = 8 << 20  # as nginx lets pass
FILE_BYTES = 2 << 20  # of one file in the archive, unpacked; parts of 500,000 characters have less
UNPACKED_BYTES = 96 << 20  # of all files that are read
DIRECTORY_BYTES = 1 << 20  # of the zip's list of files, which `zipfile` reads as a whole
FILES = 8_000
RATIO = 200  # unpacked to packed; text has 20 at most
ROWS = 60_000
# The sections that are imported, in this order.
SECTIONS = ("follows", "blocks", "mutes", "kwips")
_MEMBER = re.compile(rf"({'|'.join(SECTIONS)})/(\d{{4,6}})\.json", re.ASCII)
_END = struct.Struct("<4s4H2LH")


class Refused(Exception):
    """The file is not imported; the message is for the person."""


class Item(NamedTuple):
    """One row of a section. Of a person it is the address ``name@host``; of a kwip what the archive says."""

    section: str
    row: Any


def items(path: Path, kind: str) -> Iterator[Item]:
    """All rows of an upload. Raises `Refused`."""
    for number, item in enumerate(_archive(path) if kind == Import.Kind.ARCHIVE else _csv(path, kind)):
        if number == ROWS:
            raise Refused(_("there are more than %d rows in it; that is too much at once.") % ROWS)
        yield item


def _csv(path: Path, section: str) -> Iterator[Item]:
    """Mastodon's lists: an address in the first column, with a line of headings or without."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.reader(file)):
                address = row[0].strip() if row else ""
                if address and not (number == 0 and address.lower() == "account address"):
                    yield Item(section, address)
    except UnicodeDecodeError:
        raise Refused(_("that is no text in UTF-8, so it is no list we can read.")) from None
    except csv.Error:
        raise Refused(_("that is no list we can read: CSV, please.")) from None


def _archive(path: Path) -> Iterator[Item]:
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            budget = _Budget()
            host = _host(budget.load(archive, "archive.json"))
            for section, name in members:
                for row in _rows(budget.load(archive, name), section):
                    yield Item(section, row if section == "kwips" else _address(row, host))
    # zipfile raises NotImplementedError for a compression that it does not know.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, NotImplementedError):
        raise Refused(_("that zip is damaged, or of a kind we can't read.")) from None


def _check_directory(path: Path) -> None:
    """Refuses a long list of files before `zipfile` reads it: its end says how long it is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < _END.size:
        raise Refused(_("that is no zip."))
    # The list of a zip64 has its length elsewhere; an upload is too small to need one.
    is_zip64 = tail[max(0, place - 20) :].startswith(b"PK\6\7")
    _sign, _disk, _first, _here, number, length, _start, _comment = _END.unpack_from(tail, place)
    if is_zip64 or number > FILES or length > DIRECTORY_BYTES:
        raise Refused(_("there are too many files in that zip."))


def _members(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """The files to read, with their sections, in order."""
    found = []
    for info in archive.infolist():
        _check_member(info)
        if member := _MEMBER.fullmatch(info.filename):
            found.append((SECTIONS.index(member[1]), int(member[2]), info.filename))
    if len({name for _section, _number, name in found}) < len(found):
        raise Refused(_("the same file is in that zip more than once."))
    return [(SECTIONS[section], name) for section, _number, name in sorted(found)]


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name or len(name) > 200:
        raise Refused(_("a file in that zip has a name that no archive of ours has."))
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Refused(_("there is a link to another file in that zip; no archive of ours has one."))
    if info.flag_bits & 0x1:
        raise Refused(_("that zip is locked with a password."))
    if info.file_size > RATIO * info.compress_size + 1_000:
        raise Refused(_("that zip is packed too densely to be an archive of ours."))


class _Budget:
    """Counts the bytes that are really unpacked: what a zip says about itself may be wrong."""

    def __init__(self) -> None:
        self.left = UNPACKED_BYTES

    def load(self, archive: zipfile.ZipFile, name: str) -> Any:
        """A file of the archive as JSON."""
        try:
            with archive.open(name) as file:
                data = _read(file)
        except KeyError:
            raise Refused(_("the zip has no archive.json: it is not an archive of kwippy.")) from None
        self.left -= len(data)
        if self.left < 0:
            raise Refused(_("that zip is too big when it's unpacked."))
        try:
            return json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            raise Refused(_("%s in that zip is damaged.") % name) from None


def _read(file: IO[bytes]) -> bytes:
    data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise Refused(_("a file in that zip is too big when it's unpacked."))
    return data


def _host(manifest: object) -> str:
    """The host of the archive's site, whose names its people have."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Refused(_("that is no archive of kwippy."))
    if manifest.get("version") != VERSION:
        raise Refused(_("that archive is of another version of kwippy, which we can't read."))
    try:
        return urlsplit(str(manifest.get("site"))).netloc
    except ValueError:
        return ""


def _rows(data: object, section: str) -> list[Any]:
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not isinstance(data, dict) or data.get("section") != section:
        raise Refused(_("a list of %s in that zip is damaged.") % section)
    return rows


def _address(row: object, host: str) -> str:
    name = row.get("username") if isinstance(row, dict) else None
    return f"{name if isinstance(name, str) else ''}@{host}"


def local_name(address: str) -> str | None:
    """The user name of an address of this site; "" if it is of another site, None if it is no address."""
    name, _at, host = address.strip().removeprefix("@").partition("@")
    if not re.fullmatch(r"[\w.-]{1,100}", name) or len(host) > 253:
        return None
    here = urlsplit(settings.SITE_URL)
    return name.lower() if not host or host.lower() in (here.netloc, here.hostname) else ""
