"""Sends the containers' log to a log server by TLS: the service `syslog` of deploy/syslog.yml.

    send_logs.py PORT       takes lines by UDP on this port, as Docker's syslog driver writes them
    send_logs.py healthy    the health check: exits with 0 if the log server took lines within a minute

Docker's own way to a log server by TLS starts no container while that server is away, and waits without end
for one that hangs. UDP to this program does neither: what Docker sends is taken at once, or lost. Lines wait
here, up to SYSLOG_BUFFER_MB, for a log server that is away, slow or hangs. Beyond that the newest are counted
and left out, since `docker logs` still has them; their count is sent.

Messages are those of RFC 5424, framed by their lengths (RFC 5425), so that none can pretend to be two. The
protocol has no acknowledgement: what was on its way to a log server that is killed may be missing there. What
was not sent whole is sent again. The standard library alone: it runs from deploy/, by any release's Python.
"""

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

MESSAGE = re.compile(rb"<\d{1,3}>1 ")
# More than any datagram.
LARGEST = 65536
# What Python needs for one more line.
OVERHEAD = 64
BATCH_BYTES = 16384
# Little, since what the kernel holds is lost with the log server.
KERNEL_BYTES = 65536
CONNECT_SECONDS = 10.0
SETTLE_SECONDS = 1.0
SEND_SECONDS = 10.0
LONGEST_PAUSE = 30.0
FAREWELL_SECONDS = 5.0
HEALTHY_SECONDS = 60.0
# The container has 96 MB.
LARGEST_BUFFER_MB = 48
# Touched whenever the log server takes what there is.
SENT = Path(tempfile.gettempdir()) / "send_logs.sent"


def tell(event: str, **what: object) -> None:
    """A line of this program's own log, which is not sent."""
    line = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), "logger": "send_logs"}
    print(json.dumps({**line, "event": event, **what}), flush=True)


def own_message(event: str, **what: object) -> bytes:
    """A line for the log server: facility daemon, severity warning."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    head = f"<28>1 {now} {socket.gethostname()} send_logs {os.getpid()} - - "
    return (head + json.dumps({"event": event, **what})).encode()


class Backlog:
    """Lines that wait, in order, up to ``limit`` bytes; one thread puts, another one takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.dropped = 0
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()

    def put(self, line: bytes) -> None:
        """Keep a line; count it if there is no room."""
        with self._changed:
            told = [own_message("lines dropped", count=self.dropped)] if self.dropped else []
            needed = sum(len(each) + OVERHEAD for each in [*told, line])
            if self.size + needed > self.limit:
                self.dropped += 1
                return
            self.dropped = 0
            self._lines.extend([*told, line])
            self.size += needed
            self._changed.notify()

    def first(self, seconds: float) -> list[bytes]:
        """The first lines, which stay until `sent`; none if no line came for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines, seconds)
            found, size = [], 0
            for line in self._lines:
                found.append(line)
                size += len(line)
                if size >= BATCH_BYTES:
                    break
            return found

    def sent(self, count: int) -> None:
        """Forget the first lines."""
        with self._changed:
            for _ in range(count):
                self.size -= len(self._lines.popleft()) + OVERHEAD


def receive(listener: socket.socket, backlog: Backlog) -> None:
    """Put each syslog message into the backlog, until the process ends.

    Other datagrams are dropped: a log server may close the connection when it receives one.
    """
    while True:
        try:
            line = listener.recv(LARGEST).rstrip(b"\n")
        except OSError as error:  # such as no memory in the kernel
            tell("a line could not be taken", reason=str(error))
            time.sleep(1)
            continue
        if MESSAGE.match(line):
            backlog.put(line)


class LogServer:
    """The log server that SYSLOG_SERVER names. Its methods raise OSError."""

    def __init__(self, host: str, port: int, authority: str, own: str) -> None:
        self.host = host
        self.port = port
        # Files; an empty one counts as none. Without an authority those of the system are trusted.
        self.authority = authority
        self.own = own

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.authority if _has_content(self.authority) else None)
        # Python 3.13 asks for extensions that authorities made by hand lack.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if _has_content(self.own):
            context.load_cert_chain(self.own)
        plain = socket.create_connection((self.host, self.port), timeout=CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # A machine that has gone answers nothing: without these it would be waited for for many minutes.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _has_content(path: str) -> bool:
    return bool(path) and bool(Path(path).read_bytes().strip())


def still_there(connection: ssl.SSLSocket) -> None:
    """Raises OSError if the log server has ended the connection: a write alone would not notice."""
    connection.settimeout(0)
    try:
        if not connection.recv(4096):
            raise ConnectionResetError("the log server has ended the connection")
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    finally:
        connection.settimeout(SEND_SECONDS)


class Sender:
    """Passes a backlog on, until it is told to stop."""

    def __init__(self, server: LogServer, backlog: Backlog) -> None:
        self.server = server
        self.backlog = backlog
        self.stopping = False
        self._last_moment = 0.0
        self._trouble = ""

    def stop(self, *_: object) -> None:
        self.stopping = True
        self._last_moment = time.monotonic() + FAREWELL_SECONDS

    def run(self) -> None:
        pause = 1.0
        while not self.stopping:
            try:
                with self.server.connect() as connection:
                    # By TLS 1.3 a client learns only after its handshake that its certificate is refused.
                    self._wait(SETTLE_SECONDS)
                    still_there(connection)
                    self._trouble, pause = "", 1.0
                    tell("connected", server=self.server.host)
                    self._pass_on(connection)
            except OSError as error:
                self._tell_once(str(error) or type(error).__name__)
                self._wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _pass_on(self, connection: ssl.SSLSocket) -> None:
        """Until this stops, and then until nothing waits, or for some seconds."""
        while True:
            lines = self.backlog.first(0.5)
            still_there(connection)
            if lines:
                connection.sendall(b"".join(b"%d %s" % (len(line), line) for line in lines))
                self.backlog.sent(len(lines))
            if self.stopping and (not lines or time.monotonic() > self._last_moment):
                # Until the log server has read all of it, for it to end the connection, too.
                with contextlib.suppress(OSError):
                    connection.unwrap()
                return
            SENT.touch()

    def _tell_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            tell("the log server does not take the log", server=self.server.host, reason=trouble)
        self._trouble = trouble

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.2)


def healthy() -> bool:
    """Whether the log server took what there was within the last minute."""
    try:
        return time.time() - SENT.stat().st_mtime < HEALTHY_SECONDS
    except FileNotFoundError:
        return False


def address(given: str) -> tuple[str, int]:
    """The host and the port. Raises ValueError with what is expected."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(f"//{given}")
        if parts.hostname and parts.netloc == given and "@" not in given:
            return parts.hostname, parts.port or 6514
    raise ValueError(f"SYSLOG_SERVER must be HOST:PORT, such as logs.example.org:6514; got {given!r}")


def number(name: str, given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= LARGEST_BUFFER_MB:
        raise ValueError(f"{name} must be a number from 1 to {LARGEST_BUFFER_MB}; got {given!r}")
    return int(given)


def main(port: int) -> int:
    try:
        host, server_port = address(os.environ.get("SYSLOG_SERVER", ""))
        megabytes = number("SYSLOG_BUFFER_MB", os.environ.get("SYSLOG_BUFFER_MB") or "16")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    backlog = Backlog(megabytes * 1_000_000)
    authority, own = os.environ.get("SYSLOG_CA_FILE", ""), os.environ.get("SYSLOG_CLIENT_FILE", "")
    sender = Sender(LogServer(host, server_port, authority, own), backlog)
    signal.signal(signal.SIGTERM, sender.stop)
    signal.signal(signal.SIGINT, sender.stop)
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    listener.bind(("", port))
    tell("listening", port=port)
    threading.Thread(target=receive, args=(listener, backlog), daemon=True).start()
    sender.run()
    return 0


if __name__ == "__main__":
    sys.exit((0 if healthy() else 1) if sys.argv[1:] == ["healthy"] else main(int(sys.argv[1])))
