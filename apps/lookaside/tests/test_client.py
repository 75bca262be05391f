"""The client: what is pymemcache's, and what it must not do."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymemcache
import pytest
from pymemcache.client import base
from pymemcache.client.base import KeepaliveOpts
from pymemcache.exceptions import MemcacheUnexpectedCloseError

from apps.lookaside.client import MetaClient, Reply


def test_many_commands_take_one_round_trip(memcached: str) -> None:
    client = MetaClient(memcached, timeout=5)
    assert client.exchange(b"mn\r\n" * 50, 50) == [Reply(b"MN", [], b"")] * 50


@pytest.mark.parametrize(
    "use", [lambda client: client.exchange(b"mn\r\n", 1), lambda client: client.get("a")]
)
def test_a_closed_client_never_reconnects(memcached: str, use: Callable[[MetaClient], object]) -> None:
    client = MetaClient(memcached, timeout=5)
    client.close()
    with pytest.raises(MemcacheUnexpectedCloseError):
        use(client)
    assert client.sock is None


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "[::1]:{port}", "unix:{path}", "{path}"])
def test_it_connects_to_every_spelling_of_an_address(address: str, tmp_path: Path) -> None:
    listening: Any
    if "path" in address:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "m.sock"))
        listening.listen()
        port = 0
    else:
        family = socket.AF_INET6 if "::1" in address else socket.AF_INET
        listening = socket.create_server(("", 0), family=family)
        port = listening.getsockname()[1]
    with listening:
        client = MetaClient(
            address.format(port=port, path=tmp_path / "m.sock"), connect_timeout=10, timeout=5
        )
        assert listening.accept()
        client.close()


@pytest.mark.parametrize("first", [(socket.AF_INET6, "::1"), (12345, "unknown family")])
def test_it_tries_each_address_of_a_host(first: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [(first[0], *kind, (first[1], port)), (socket.AF_INET, *kind, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        client = MetaClient(f"localhost:{port}", connect_timeout=10, timeout=5)
        assert client.sock
        assert client.sock.getpeername() == ("127.0.0.1", port)
        client.close()


def test_without_any_address_that_answers_it_raises() -> None:
    with pytest.raises(OSError, match="refused"):
        MetaClient("localhost:1", connect_timeout=10, timeout=5)


def test_keepalive_and_no_delay_reach_the_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        client = MetaClient(address, timeout=5, socket_keepalive=KeepaliveOpts(idle=7))
        assert client.sock
        assert client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 7
        assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        client.close()


# ── What the client relies on in pymemcache ───────────────────────────────────────────────────────


def test_pymemcache_opens_its_socket_in_connect_and_uses_it_until_it_is_closed(memcached: str) -> None:
    connected = []

    class Recording(pymemcache.Client):  # type: ignore[misc]
        def _connect(self) -> None:
            super()._connect()
            connected.append(self.sock)

    client = Recording(memcached, timeout=5)
    assert client.sock is None
    for _ in range(2):
        client.version()
    assert connected == [client.sock]
    assert isinstance(client.sock, socket.socket)
    client.close()
    assert client.sock is None
    client.version()
    assert len(connected) == 2
    client.close()


def test_pymemcaches_raw_command_still_loses_the_beginning_of_a_long_reply() -> None:
    class Wire:
        chunks = [b"VA 6 ", b"\r\nabc", b"def\r\nMN\r\n"]

        def recv(self, size: int) -> bytes:
            return self.chunks.pop(0)

    assert base._readsegment(Wire(), b"", b"\r\nMN\r\n")[1] == b"def"
