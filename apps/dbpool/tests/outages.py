"""Ways for PostgreSQL to be away: in recovery, stopped, behind a network that drops or resets."""

import contextlib
import ctypes
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2

from deploy.local.postgres import Postgres

# What a server in recovery answers.
IN_RECOVERY = "the database system is"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def accepts(server: Postgres) -> bool:
    """Whether the server accepts connections now."""
    try:
        psycopg2.connect(host=str(server.sockets), user="postgres", dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def crash(server: Postgres) -> None:
    """kill -9; the backends end by themselves."""
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not server.running())
    server.stop()


@contextlib.contextmanager
def recovery(server: Postgres) -> Iterator[None]:
    """A crash, and a server that refuses connections (SQLSTATE 57P03) until the block ends."""
    crash(server)
    (server.data / "standby.signal").touch()
    server.start("hot_standby=off", until="standby")
    try:
        yield
    finally:
        (server.data / "promote").touch()
        os.kill(server.pid, signal.SIGUSR1)
        wait_for(lambda: accepts(server))


@contextlib.contextmanager
def stop(server: Postgres) -> Iterator[None]:
    """No server until the block ends: connections are refused."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def silence(server: Postgres) -> Iterator[None]:
    """The kernel accepts connections, and the server says nothing until the block ends."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
        wait_for(lambda: accepts(server))


def refusals(server: Postgres) -> int:
    """How many connections the server has refused in recovery."""
    return server.log.read_text(errors="replace").count(IN_RECOVERY)


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


def drop_all(reached: socket.socket) -> None:
    """From now on the kernel drops each packet that reaches the socket: a firewall that answers nothing."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    attach_filter = 26
    reached.setsockopt(socket.SOL_SOCKET, attach_filter, bytes(_Filter(1, ctypes.addressof(program))))


def accept_all(reached: socket.socket) -> None:
    """The end of `drop_all`."""
    detach_filter = 27
    reached.setsockopt(socket.SOL_SOCKET, detach_filter, 0)


class Network:
    """A TCP port that leads to PostgreSQL's socket. It can drop, keep silent, or forget connections."""

    def __init__(self, server: Postgres) -> None:
        self._upstream = Path(server.sockets) / ".s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._forgotten: set[socket.socket] = set()
        # Connections that were accepted, and whether new ones lead anywhere.
        self.accepted = 0
        self.silent = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop all packets, also those of new connections."""
        # Not the delayed ACKs: data would be sent again, in the direction that is open.
        time.sleep(0.2)
        for reached in [self._listener, *self._open]:
            drop_all(reached)

    def mend(self) -> None:
        """Let new connections through. The old ones stay dead."""
        accept_all(self._listener)

    def forget(self) -> None:
        """As after a reboot behind it: the connections are unknown, and reset once they are used."""
        self._forgotten.update(self._open)

    def close(self) -> None:
        for each in [self._listener, *self._open]:
            # Wakes accept() and recv(), or PostgreSQL would keep the session of a dead connection.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(client)
            if not self.silent:
                threading.Thread(target=self._lead, args=[client], daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(self._upstream))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._copy, args=[server, client], daemon=True).start()
        self._copy(client, server)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source in self._forgotten:
                    # Its close() sends a RST.
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    source.close()
                    break
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
