"""One connection to one memcached, speaking its meta protocol: many commands, one round trip.

pymemcache has neither meta commands nor different commands in one round trip; both are what makes a lease
cost nothing: ``mg … N`` reads *and* hands the lease to the first who misses.
"""

import os
import socket
import struct
from time import perf_counter
from typing import NamedTuple

from apps.lookaside.stats import counts

LONGEST_LINE = 2048
LARGEST_VALUE = 128 * 1024 * 1024
CHUNK = 65536
DEFAULT_PORT = 11211
CODES = {b"HD", b"EN", b"NF", b"EX", b"NS", b"MN", b"OK", b"SERVER_ERROR"}


class Failure(Exception):
    """The server did not answer, or not in its protocol. The connection is closed."""


class Reply(NamedTuple):
    """A meta command's return code, its flags, and the value if it brought one."""

    code: bytes
    flags: list[bytes]
    value: bytes


class Connection:
    """A socket of one thread in one process; raises Failure if the server can't be reached."""

    def __init__(self, address: str, *, connect_timeout: float, timeout: float) -> None:
        self.closed = False
        self._timeout = timeout
        self._process = os.getpid()
        try:
            self._socket = connected(address, connect_timeout)
        except (OSError, ValueError) as error:
            self.closed = True
            raise Failure(f"{type(error).__name__}: {error}") from error
        limit_waits(self._socket, timeout)

    def exchange(self, request: bytes, replies: int) -> list[Reply]:
        """Sends commands and returns their replies, one each; raises Failure, and then is closed."""
        # A socket inherited by fork is the parent's too: two who read from it read each other's replies.
        if self.closed or self._process != os.getpid():
            self.close()
            raise Failure("the connection is closed")
        counted = counts()
        counted.round_trips += 1
        started = perf_counter()
        try:
            self._socket.sendall(request)
            return self._received(replies, started)
        except (OSError, ValueError) as error:
            counted.failures += 1
            self.close()
            # So the kernel says that time is up.
            cause = TimeoutError("no answer") if isinstance(error, BlockingIOError) else error
            raise Failure(f"{type(cause).__name__}: {cause}") from cause
        except BaseException:
            # Replies that nobody has read would answer the next command.
            self.close()
            raise
        finally:
            counted.seconds += perf_counter() - started

    def close(self) -> None:
        """Closes this process's end; a parent's stays open."""
        if not self.closed:
            self.closed = True
            self._socket.close()

    def __del__(self) -> None:
        self.close()

    def _received(self, replies: int, started: float) -> list[Reply]:
        received: list[Reply] = []
        data, at = b"", 0
        while len(received) < replies:
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > LONGEST_LINE:
                    raise ValueError("a line without an end")
                data, at = self._more(data[at:], len(data) - at + 1, started), 0
                continue
            code, *flags = data[at:end].split() or [b""]
            at = end + 2
            if code != b"VA":
                if code not in CODES:
                    raise ValueError(f"{code!r}: is it memcached 1.6 or later?")
                received.append(Reply(code, flags, b""))
                continue
            size = int(flags.pop(0)) if flags else -1
            if not 0 <= size <= LARGEST_VALUE:
                raise ValueError("a value without a size")
            if len(data) < at + size + 2:
                data, at = self._more(data[at:], size + 2, started), 0
            received.append(Reply(code, flags, data[at : at + size]))
            at += size + 2
        return received

    def _more(self, data: bytes, enough: int, started: float) -> bytes:
        """``data`` and what comes after it, ``enough`` at least."""
        chunks, length = [data], len(data)
        while length < enough:
            # Each wait has its limit; a server that drips would go on for ever.
            if perf_counter() - started > 2 * self._timeout:
                raise TimeoutError("the server is too slow")
            chunk = self._socket.recv(CHUNK)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            chunks.append(chunk)
            length += len(chunk)
        return b"".join(chunks)


def connected(address: str, timeout: float) -> socket.socket:
    """A socket to ``unix:/path``, ``/path``, ``host``, ``host:port`` or ``[v6]:port``; raises OSError."""
    path = address.removeprefix("unix:")
    if path.startswith("/"):
        unix = socket.socket(socket.AF_UNIX)
        try:
            unix.settimeout(timeout)
            unix.connect(path)
        except OSError:
            unix.close()
            raise
        return unix
    tcp = socket.create_connection(host_and_port(address), timeout)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tcp


def limit_waits(wire: socket.socket, seconds: float) -> None:
    """Has the kernel end each send and each receive. Python's own way asks it before each whether it is ready
    (poll): twice the calls, and twice the times that another thread gets in between."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    wire.settimeout(None)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


def host_and_port(address: str) -> tuple[str, int]:
    """Raises ValueError for a port that is none."""
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, str(DEFAULT_PORT)
    return host.strip("[]"), int(port)
