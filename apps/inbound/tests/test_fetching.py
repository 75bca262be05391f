"""Mail that is fetched from a mailbox by IMAP: once, bounded, and lost by no fault."""

import socket
import threading
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from apps.inbound import fetching, receiving
from apps.inbound.tests.composing import composed
from apps.inbound.tests.imapserver import PASSWORD, USER, Server
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings) -> Iterator[Server]:
    running = Server()
    running.start()
    settings.INBOUND_IMAP_HOST, settings.INBOUND_IMAP_PORT = "127.0.0.1", running.port
    settings.INBOUND_IMAP_USER, settings.INBOUND_IMAP_PASSWORD = USER, PASSWORD
    settings.INBOUND_IMAP_TLS = False
    yield running
    running.stop()


def texts() -> list[str]:
    return list(Kwip.objects.order_by("pk").values_list("text", flat=True))


def test_the_mails_are_published_in_their_order_and_deleted(server: Server, secret: str) -> None:
    for text in ("one", "two", "three"):
        server.mailbox.put(composed(secret, text))
    server.mailbox.put(composed("nobody@in.kwippy.example", "spam"))
    assert fetching.fetch() == 4
    assert texts() == ["one", "two", "three"]
    assert server.mailbox.messages == []
    assert fetching.fetch() == 0


def test_what_somebody_looked_at_is_fetched_all_the_same(server: Server, secret: str) -> None:
    server.mailbox.put(composed(secret)).flags.add(r"\Seen")
    assert fetching.fetch() == 1


def test_a_fetch_that_is_killed_before_the_deletion_publishes_nothing_twice(
    server: Server, secret: str, monkeypatch
) -> None:
    server.mailbox.put(composed(secret))
    with monkeypatch.context() as patched:
        patched.setattr(fetching, "_deleted", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fetching.fetch()
    assert texts() == ["the kettle sings"]
    assert len(server.mailbox.messages) == 1
    assert fetching.fetch() == 1
    assert (texts(), server.mailbox.messages) == (["the kettle sings"], [])


def test_without_the_database_all_mails_stay(server: Server, secret: str, monkeypatch) -> None:
    server.mailbox.put(composed(secret))

    def down(raw: bytes) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(receiving, "receive", down)
        with pytest.raises(OperationalError):
            fetching.fetch_mail.func()
    assert server.mailbox.messages[0].flags == set()
    assert fetching.fetch() == 1


def test_a_mail_that_the_code_fails_on_stays_flagged_and_stops_no_other(
    server: Server, secret: str, monkeypatch
) -> None:
    server.mailbox.put(composed(secret, "poison"))
    server.mailbox.put(composed(secret, "tea"))
    receive = receiving.receive

    def failing(raw: bytes) -> receiving.Outcome:
        if b"poison" in raw:
            raise AssertionError
        return receive(raw)

    monkeypatch.setattr(receiving, "receive", failing)
    assert fetching.fetch() == 2
    assert texts() == ["tea"]
    [left] = server.mailbox.messages
    assert left.flags == {r"\Flagged"}
    assert fetching.fetch() == 0


def test_a_fetch_reads_a_bounded_number_and_the_next_goes_on(
    server: Server, secret: str, monkeypatch
) -> None:
    monkeypatch.setattr(fetching, "MOST", 2)
    for number in range(3):
        server.mailbox.put(composed(secret, f"kwip {number}"))
    assert [fetching.fetch(), fetching.fetch()] == [2, 1]
    assert texts() == ["kwip 0", "kwip 1", "kwip 2"]


def test_of_a_mail_that_is_too_large_only_the_head_is_fetched(
    server: Server, secret: str, mailoutbox, monkeypatch
) -> None:
    server.mailbox.put(composed(secret) + b"a" * (11 * 1024 * 1024))
    sizes: list[int] = []
    receive = receiving.receive

    def measured(raw: bytes) -> receiving.Outcome:
        sizes.append(len(raw.rstrip(b" ")))
        return receive(raw)

    monkeypatch.setattr(receiving, "receive", measured)
    assert fetching.fetch() == 1
    assert sizes[0] <= 64 * 1024
    assert (texts(), server.mailbox.messages) == ([], [])
    assert "10 megabytes" in mailoutbox[0].body


def test_a_wrong_password_and_a_server_that_is_down_are_named(server: Server, settings) -> None:
    settings.INBOUND_IMAP_PASSWORD = "wrong"
    with pytest.raises(CommandError, match="can't be read"):
        call_command("fetchmail")
    assert fetching.fetch_mail.func() == 0
    server.stop()
    with pytest.raises(fetching.Unreachable, match="refused"):
        fetching.fetch()


NONSENSE = (b"", b"* OK hello\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"* OK " + b"a" * 2_000_000)


@pytest.mark.parametrize("says", NONSENSE)
def test_a_server_that_hangs_or_says_nonsense_ends_the_fetch(settings, says: bytes) -> None:
    settings.INBOUND_IMAP_TLS = False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.INBOUND_IMAP_HOST, settings.INBOUND_IMAP_PORT = listening.getsockname()
        done = threading.Event()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(says)
                except OSError:
                    pass  # the client has heard enough
                done.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(fetching.Unreachable):
            fetching.fetch(timeout=0.3)
        done.set()
        thread.join()


def test_a_server_that_drips_is_left_after_a_while(settings) -> None:
    settings.INBOUND_IMAP_TLS = False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.INBOUND_IMAP_HOST, settings.INBOUND_IMAP_PORT = listening.getsockname()
        done = threading.Event()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"* OK hello\r\n")
                while not done.wait(0.05):
                    try:
                        connection.sendall(b"*")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(fetching.Unreachable):
            fetching.fetch(seconds=0.5, timeout=10)
        done.set()
        thread.join()


def test_without_the_setting_nothing_is_fetched(settings) -> None:
    settings.INBOUND_IMAP_HOST = ""
    assert fetching.fetch_mail.func() == 0
