"""Checks of the machine: the disk, the clock, the certificate, the backups."""

import ctypes
import datetime
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection

from kwippy.doctor import notes
from kwippy.doctor.report import Finding, not_checked, ok, warn, wrong

DAY = 86_400
# Bytes below which nothing should begin: a migration, its log, and an image need some.
LEAST_FREE = 512 * 1024 * 1024
# PostgreSQL and web may be on different machines.
MOST_SECONDS_APART = 2.0
# Let's Encrypt's certificates are renewed 30 days before their end.
DAYS_OF_CERTIFICATE = 14
DAYS_OF_BACKUP = 2
DAYS_OF_RESTORED_BACKUP = 60
# Of Linux' adjtimex(2).
_STA_UNSYNC = 0x0040


def disk() -> Iterator[Finding]:
    """Free space, against the size of the database: a restore builds a second one beside it."""
    size = database_size()
    folder = Path(settings.MEDIA_ROOT)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(nearest)
    text = f"{_bytes(usage.free)} of {_bytes(usage.total)} free"
    text += f"; the database has {_bytes(size)}" if size else ""
    more = "make room: delete old backups, `docker image prune`, or move to a larger disk"
    if usage.free < max(LEAST_FREE, size // 10):
        yield wrong("disk", f"{text}: publishing will fail", more, blocks=True)
    elif usage.free < size:
        yield warn("disk", f"{text}: a restore, which builds a second one, does not fit", more)
    elif usage.free < usage.total / 10:
        yield warn("disk", text, more)
    else:
        yield ok("disk", text)


def database_size() -> int:
    """Bytes; 0 if PostgreSQL does not answer (which is another check's finding)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    except Error:
        return 0


def clock() -> Iterator[Finding]:
    """Links, sessions and leases compare times of this machine with times of PostgreSQL's."""
    mend = "start a time service, such as systemd-timesyncd or chrony"
    newest = max(path.stat().st_mtime for path in Path(settings.BASE_DIR, "kwippy").glob("*.py"))
    if time.time() < newest - DAY:
        yield wrong("clock", f"{_date(time.time())} is before this release was made ({_date(newest)})", mend)
        return
    try:
        with connection.cursor() as cursor:
            before = time.time()
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            theirs = float(cursor.fetchone()[0])
            after = time.time()
    except Error:
        yield not_checked("clock", "PostgreSQL does not answer")
        return
    apart = max(before - theirs, theirs - after, 0.0)
    if apart > MOST_SECONDS_APART:
        yield wrong("clock", f"this machine's and PostgreSQL's are {apart:.0f} s apart", mend)
    elif is_synchronized() is False:
        yield warn("clock", "the kernel says that no time service keeps it", mend)
    else:
        yield ok("clock", f"{_date(time.time())}, as PostgreSQL's")


def is_synchronized() -> bool | None:
    """Whether a time service keeps the kernel's clock; None if the kernel does not say."""
    room = ctypes.create_string_buffer(512)  # larger than struct timex; 0 in `modes` changes nothing
    try:
        state = ctypes.CDLL(None).adjtimex(room)
    except (AttributeError, OSError):
        return None
    if state < 0:
        return None
    # `modes`, padding, four longs (`offset`, `freq`, `maxerror`, `esterror`), then `status`.
    at = 5 * ctypes.sizeof(ctypes.c_long)
    status = int.from_bytes(room.raw[at : at + 4], "little")
    return not status & _STA_UNSYNC


def certificate() -> Iterator[Finding]:
    """The certificate that nginx serves: its names, its end, and whether browsers can trust it."""
    path = Path(settings.CERTIFICATE_FILE)
    if not os.access(path, os.R_OK):
        yield not_checked("certificate", f"none to read at {path}", "run deploy/doctor, which can")
        return
    host = str(urlsplit(settings.SITE_URL).hostname)
    command = ["openssl", "x509", "-in", str(path), "-noout", "-enddate", "-subject", "-issuer"]
    done = subprocess.run(  # noqa: S603
        [*command, "-checkhost", host], capture_output=True, text=True, check=False, timeout=10
    )
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.returncode or "notAfter" not in told:
        yield wrong("certificate", f"{path} is no certificate", "deploy/certificate, or write your own there")
        return
    end = datetime.datetime.strptime(told["notAfter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=datetime.UTC)
    notes.try_to_write(notes.CERTIFICATE, notes.Note(end.timestamp(), host))
    days = (end.timestamp() - time.time()) / DAY
    renew = "run deploy/certificate, and let cron call it once a day"
    if days < 0:
        yield wrong("certificate", f"ended {-days:.0f} days ago ({end:%Y-%m-%d})", renew)
    elif "does NOT match" in done.stdout:
        yield wrong("certificate", f"is not for {host}", renew)
    elif days < DAYS_OF_CERTIFICATE:
        yield warn("certificate", f"ends in {days:.0f} days ({end:%Y-%m-%d})", renew)
    elif told.get("subject") == told.get("issuer"):
        yield warn("certificate", f"self-signed: browsers warn; ends in {days:.0f} days", renew)
    else:
        yield ok("certificate", f"for {host}, ends in {days:.0f} days ({end:%Y-%m-%d})")


def backups() -> Iterator[Finding]:
    """The last backup, and the last one that was restored: only that one is known to be good."""
    last, restored = notes.read(notes.BACKUP), notes.read(notes.RESTORED)
    mend = "deploy/backup FOLDER, and let cron call it every night"
    if last is None:
        yield warn("backup", "no backup is noted here", mend)
    elif last.age > DAYS_OF_BACKUP * DAY:
        yield wrong("backup", f"the last one is {ago(last.age)} old ({last.words})", mend)
    else:
        yield ok("backup", f"the last one is {ago(last.age)} old ({last.words})")
    mend = "deploy/backup --check FOLDER, which restores it beside the site"
    if restored is None:
        yield warn("restored", "none was ever restored", mend)
    elif restored.age > DAYS_OF_RESTORED_BACKUP * DAY:
        yield warn("restored", f"the last time was {ago(restored.age)} ago ({restored.words})", mend)
    else:
        yield ok("restored", f"{ago(restored.age)} ago ({restored.words})")


def ago(seconds: float) -> str:
    """A duration in its largest unit."""
    for size, unit in ((DAY, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _bytes(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
