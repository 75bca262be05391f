"""Fetches mail from an IMAP mailbox.

    search ─▶ for each mail: its size ─▶ its bytes ─▶ receive: committed ─▶ deleted from the mailbox
                                                        └─ fails ─▶ flagged: it stays, and is not read again

A mail is deleted after the commit of what it became. A fetch that is killed in between reads it again, which
publishes nothing twice (`receiving`). The database being down ends the fetch: all mails stay.
"""

import imaplib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.tasks import task

from apps import limits
from apps.inbound import addresses, parsing, receiving

log = structlog.get_logger("kwippy.inbound")

MOST = 50  # mails of a fetch; the next one follows in a minute
SECONDS = 60.0  # of a fetch, until its connection is closed
TIMEOUT = 15.0  # of one answer of the server
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")


class Unreachable(Exception):
    """The server does not answer, does not let us in, or says what no IMAP server says."""


class _Watch:
    """Closes a connection after some seconds.

    The timeout is of a single read: a server that sends a byte now and then would hold the worker.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self.close)
        self._timer.daemon = True
        self._connection: socket.socket | None = None

    def start(self, connection: socket.socket) -> None:
        self._connection = connection
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed


class _Plain(imaplib.IMAP4):
    """Its watch begins before the server's first word, which the constructor waits for."""

    def __init__(self, watch: _Watch, host: str, port: int, timeout: float) -> None:
        self._watch = watch
        super().__init__(host, port, timeout)

    def open(self, host: str = "", port: int | None = 0, timeout: float | None = None) -> None:
        super().open(host, port or 0, timeout)
        self._watch.start(self.sock)


class _Secure(imaplib.IMAP4_SSL):
    def __init__(self, watch: _Watch, host: str, port: int, timeout: float) -> None:
        self._watch = watch
        super().__init__(host, port, ssl_context=ssl.create_default_context(), timeout=timeout)

    def open(self, host: str = "", port: int | None = 0, timeout: float | None = None) -> None:
        super().open(host, port or 0, timeout)
        self._watch.start(self.sock)


@task(queue_name="bulk")
def fetch_mail() -> int:
    """Publishes what is in the mailbox; returns how many mails. The next turn goes on."""
    try:
        return fetch()
    except Unreachable as error:
        # Not raised: the next turn comes sooner than the queue's next attempt would.
        log.error("mailbox unreachable", error=str(error))
        return 0


def fetch(*, seconds: float = SECONDS, timeout: float = TIMEOUT) -> int:
    """As above, once. Raises `Unreachable`, OperationalError and InterfaceError."""
    if not settings.INBOUND_IMAP_HOST or not addresses.is_on():
        return 0
    number, until = 0, time.monotonic() + seconds
    try:
        with _opened(seconds, timeout) as mailbox:
            for uid in _uids(mailbox):
                if time.monotonic() > until:
                    break
                _receive(mailbox, uid)
                number += 1
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
    return number


@contextmanager
def _opened(seconds: float, timeout: float) -> Iterator[imaplib.IMAP4]:
    host, port = settings.INBOUND_IMAP_HOST, settings.INBOUND_IMAP_PORT
    watch = _Watch(seconds)
    mailbox: imaplib.IMAP4 = (
        _Secure(watch, host, port, timeout)
        if settings.INBOUND_IMAP_TLS
        else _Plain(watch, host, port, timeout)
    )
    try:
        mailbox.login(settings.INBOUND_IMAP_USER, settings.INBOUND_IMAP_PASSWORD)
        _done(mailbox.select(f'"{_quoted(settings.INBOUND_IMAP_FOLDER)}"'))
        yield mailbox
        mailbox.logout()  # closes the connection too
    except BaseException:
        watch.close()
        raise
    finally:
        watch.stop()


def _uids(mailbox: imaplib.IMAP4) -> list[str]:
    """The oldest mails that no fetch has read. Not by \\Seen: a person who looks into the mailbox sets it."""
    [found] = _done(mailbox.uid("SEARCH", "UNDELETED", "UNFLAGGED"))[:1]
    uids = (found or b"").decode("ascii").split()
    return sorted(filter(str.isdigit, uids), key=int)[:MOST]


def _receive(mailbox: imaplib.IMAP4, uid: str) -> None:
    raw = _bytes_of(mailbox, uid)
    try:
        receiving.receive(raw)
    except (OperationalError, InterfaceError):
        raise  # so would the others; this one stays
    except limits.Busy:
        return  # it stays for the next fetch
    except Exception:
        log.exception("mail not received", uid=uid, bytes=len(raw))
        _done(mailbox.uid("STORE", uid, "+FLAGS.SILENT", r"(\Flagged)"))
        return
    _deleted(mailbox, uid)


def _deleted(mailbox: imaplib.IMAP4, uid: str) -> None:
    _done(mailbox.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen \Deleted)"))
    if "UIDPLUS" in mailbox.capabilities:
        _done(mailbox.uid("EXPUNGE", uid))
    else:
        _done(mailbox.expunge())


def _bytes_of(mailbox: imaplib.IMAP4, uid: str) -> bytes:
    """The mail; of one that is too large the headers, which say whose it is, and one byte too many."""
    [answer] = _done(mailbox.uid("FETCH", uid, "(RFC822.SIZE)"))[:1]
    found = _SIZE.search(answer if isinstance(answer, bytes) else b"")
    is_too_large = found is None or int(found[1]) > parsing.MAX_BYTES
    # Asked for as a part of the bytes too, for what is larger than the server said.
    section = f"[HEADER]<0.{parsing.HEAD_BYTES}>" if is_too_large else f"[]<0.{parsing.MAX_BYTES + 1}>"
    answers = _done(mailbox.uid("FETCH", uid, f"(BODY.PEEK{section})"))
    raw = next((answer[1] for answer in answers if isinstance(answer, tuple)), b"")
    return raw.ljust(parsing.MAX_BYTES + 1) if is_too_large else raw


def _done(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(f"{kind} {data!r}")
    return data or [None]


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
