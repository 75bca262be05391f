"""One connection to one memcached: pymemcache's client, extended by the meta protocol.

pymemcache owns the connection: addresses (host, IPv6, Unix socket), connecting, TLS, time limits, keepalive,
closing and errors. This module adds the grammar of the meta commands (``mg``, ``ms``, ``md``), many of them
in a round trip, and one rule: a lease is valid only on the connection that granted it, so a client never
reconnects, and never uses its parent's socket after a fork.

pymemcache's own `raw_command` can't carry them: its `_readsegment` overwrites its buffer with each ``recv``,
so that a reply longer than RECV_SIZE (4,096 bytes) loses its beginning. The package ``meta-memcache`` has
meta commands, ``get_or_lease``, mark-down of dead servers and a reset after fork; but it does not bind a
lease to its connection, and requires a C extension, marisa-trie, zstandard and uhashring.
"""

import os
import socket
import ssl
import struct
from dataclasses import dataclass
from time import perf_counter
from types import ModuleType
from typing import Any

from pymemcache import Client
from pymemcache.exceptions import MemcacheError, MemcacheUnexpectedCloseError, MemcacheUnknownError

from apps.lookaside.stats import counts

# What `MetaClient` raises: ValueError is an address or a reply that can't be parsed.
ERRORS = (OSError, ValueError, MemcacheError)

LONGEST_LINE = 2048
LARGEST_VALUE = 128 * 1024 * 1024
RECV_SIZE = 65536
CODES = {b"HD", b"EN", b"NF", b"EX", b"NS", b"MN", b"OK", b"SERVER_ERROR"}


@dataclass(slots=True)  # made in a third of the time of a tuple with names
class Reply:
    """A meta command's return code, its flags, and its value if it has one."""

    code: bytes
    flags: list[bytes]
    value: bytes


# Most replies to writes are a code alone.
CODES_ALONE = {code + b"\r\n": Reply(code, [], b"") for code in (b"HD", b"NS", b"NF", b"EN")}


class MetaClient(Client):  # type: ignore[misc]
    """A connection of one thread in one process, open from the start. ``options`` are pymemcache's."""

    # Set here too, for `__del__` after an address that pymemcache refused.
    sock: socket.socket | None = None

    def __init__(self, address: str, *, timeout: float, **options: Any) -> None:
        """Connects. Raises one of `ERRORS`."""
        resolver = _Resolver()
        super().__init__(address, timeout=timeout, no_delay=True, socket_module=resolver, **options)
        self._process = os.getpid()
        while self.sock is None:
            try:
                super()._connect()
            except OSError:
                if not resolver.untried:
                    raise
        limit_waits(self.sock, timeout)

    def exchange(self, commands: bytes, replies: int) -> list[Reply]:
        """Sends commands and returns one reply for each. Raises one of `ERRORS`, and closes the connection.

        Each send and each receive has `timeout` seconds; receiving begins within twice that, or not at all.
        """
        wire = self.sock
        # After a fork the socket is the parent's too: each process would read replies meant for the other.
        if wire is None or self._process != os.getpid():
            self.close()
            raise MemcacheUnexpectedCloseError("the connection is closed")
        counted = counts()
        counted.round_trips += 1
        started = perf_counter()
        try:
            wire.sendall(commands)
            return self._received(wire, replies, started + 2 * self.timeout)
        except BaseException as error:
            # A reply that was not read would be taken for the next command's.
            self.close()
            counted.failures += isinstance(error, ERRORS)
            if isinstance(error, BlockingIOError):
                raise TimeoutError("no reply in time") from error  # a limit that the kernel enforced
            raise
        finally:
            counted.seconds += perf_counter() - started

    def _connect(self) -> None:
        """Refuses what pymemcache's own commands do on a closed connection: to open another one."""
        raise MemcacheUnexpectedCloseError("the connection is closed")

    def __del__(self) -> None:
        self.close()

    def _received(self, wire: socket.socket, replies: int, deadline: float) -> list[Reply]:
        received: list[Reply] = []
        data, at = b"", 0
        while len(received) < replies:
            if (alone := CODES_ALONE.get(data[at : at + 4])) is not None:
                received.append(alone)
                at += 4
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > LONGEST_LINE:
                    raise MemcacheUnknownError("a line without an end")
                data, at = _receive(wire, data[at:], len(data) - at + 1, deadline), 0
                continue
            words = data[at:end].split()
            at = end + 2
            if not words or words[0] != b"VA":
                received.append(_without_value(words))
                continue
            size = int(words[1]) if len(words) > 1 else -1
            if not 0 <= size <= LARGEST_VALUE:
                raise MemcacheUnknownError("a value without a size")
            if len(data) < at + size + 2:
                data, at = _receive(wire, data[at:], size + 2, deadline), 0
            received.append(Reply(b"VA", words[2:], data[at : at + size]))
            at += size + 2
        return received


def _without_value(words: list[bytes]) -> Reply:
    code = words[0] if words else b""
    if code not in CODES:
        raise MemcacheUnknownError(f"unknown reply {code!r}; memcached 1.6 or later is required")
    return Reply(code, words[1:], b"")


def _receive(wire: socket.socket, data: bytes, size: int, deadline: float) -> bytes:
    """``data`` and what follows it, at least ``size`` bytes."""
    chunks, length = [data], len(data)
    while length < size:
        # A server that trickles bytes stays within the limit of each receive.
        if perf_counter() > deadline:
            raise TimeoutError("the server is too slow")
        chunk = wire.recv(RECV_SIZE)
        if not chunk:
            raise MemcacheUnexpectedCloseError("the server closed the connection")
        chunks.append(chunk)
        length += len(chunk)
    return b"".join(chunks)


def limit_waits(wire: socket.socket, seconds: float) -> None:
    """Lets the kernel end each send and receive. Python's own time limit polls before each of them: twice the
    system calls, and twice the points where another thread takes over. TLS needs Python's.
    """
    if not isinstance(wire, ssl.SSLSocket):
        limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
        wire.settimeout(None)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


class _Resolver(ModuleType):
    """The socket module for pymemcache, which connects to the first address of a host only: each lookup gives
    the next one. "localhost" may be ``::1`` first, while memcached listens on 127.0.0.1."""

    def __init__(self) -> None:
        super().__init__("socket")
        self.untried: list[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def getaddrinfo(self, *arguments: Any) -> list[Any]:
        if self.untried is None:
            self.untried = list(socket.getaddrinfo(*arguments))
        return [self.untried.pop(0)]
