"""What a request costs is counted by relays, and the bare view is a floor: it writes the site's rows."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from bench.ladder.relay import Relay
from deploy.local import services
from deploy.local.memcached import Memcached

# ── Relays ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[tuple[Relay, str]]:
    """A relay before the tests' PostgreSQL, and the directory by which libpq reaches it."""
    name = ".s.PGSQL.5432"
    sockets = services.socket_directory(tmp_path)
    with Relay(sockets / name, Path(settings.DATABASES["default"]["HOST"]) / name) as relay:
        yield relay, str(sockets)


def test_a_relay_counts_connections_round_trips_and_bytes(postgresql: tuple[Relay, str]) -> None:
    relay, host = postgresql
    with closing(psycopg2.connect(host=host, user="postgres", dbname="postgres")) as database:
        database.autocommit = True
        of_connecting = relay.wire.round_trips
        with database.cursor() as cursor:
            for _ in range(3):
                received = relay.wire.received
                cursor.execute("SELECT repeat('x', 100000)")
                assert cursor.fetchone() == ("x" * 100_000,)
                assert 100_000 < relay.wire.received - received < 100_300
    assert relay.wire.round_trips - of_connecting == 3
    assert relay.wire.connections == 1


def test_an_answer_in_many_pieces_is_one_round_trip(tmp_path: Path) -> None:
    cache = Memcached(services.socket_directory(tmp_path / "run"))
    cache.start()
    try:
        with Relay(tmp_path / "relay", cache.socket) as relay, closing(socket.socket(socket.AF_UNIX)) as wire:
            wire.connect(str(tmp_path / "relay"))
            value = b"v" * 500_000
            wire.sendall(b"set tea 0 0 %d noreply\r\n%s\r\n" % (len(value), value))
            wire.sendall(b"get tea\r\n")
            answer = b""
            while not answer.endswith(b"END\r\n"):
                answer += wire.recv(4096)
            assert relay.wire.round_trips == 1, "what needs no answer waits for none"
            assert relay.wire.received == len(answer)
    finally:
        cache.stop()


def relays() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "relay"]


def test_a_relay_ends_with_its_context_though_a_connection_is_open(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "server"))
        server.listen()
        with Relay(tmp_path / "relay", tmp_path / "server"):
            client.connect(str(tmp_path / "relay"))
            server.accept()[0].close()
            assert client.recv(1) == b""
            assert relays()
        assert not relays()


# ── The bare view ────────────────────────────────────────────────────────────────────────────────

TABLES = ("kwips_kwip", "kwips_kwiptag", "kwips_mention", "notifications_notice", "search_entry")


def rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in TABLES))
        found = dict(cursor.fetchall())
        cursor.execute("SELECT 'counted', sum(kwips_count) FROM accounts_user")
        return found | dict(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_the_bare_view_writes_the_rows_of_the_sites_publish(settings: Any, client: Client) -> None:
    from bench.ladder import bare_view, forms

    people = get_user_model()._default_manager
    ann, bob = (people.create_user(name, f"{name}@example.org") for name in ("ann", "bob"))
    client.force_login(ann, backend=settings.AUTHENTICATION_BACKENDS[0])
    added = []
    for urls in ("kwippy.urls", "kwippy.urls", "bench.ladder.bare_view"):
        settings.ROOT_URLCONF = urls
        before, key = rows(), str(uuid.uuid4())
        text = forms.KWIP.format(name=bob.username, key=key)
        answer = client.post("/kwip/", {"text": text, "form_key": key})
        assert answer.status_code == 302
        added.append({name: number - before[name] for name, number in rows().items()})
    bare_view._local.connection.close()
    assert added[1] == added[2]
    assert added[2] == {
        "kwips_kwip": 1,
        "kwips_kwiptag": 2,
        "kwips_mention": 1,
        "notifications_notice": 1,
        "search_entry": 1,
        "counted": 1,
    }
