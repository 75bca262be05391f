"""The dialogue with the mail server: each fault of a server is caused, and named at its step."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.core.mail.backends.smtp import EmailBackend

from apps.commandqueue.tests.smtpserver import DRIP, DROP, HANG, Server
from kwippy.doctor import smtp_dialogue
from kwippy.doctor.report import Finding, State
from kwippy.doctor.smtp_dialogue import Dialogue

TO = "ann@example.org"


@pytest.fixture
def smtp() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


def spoken(port: int, *, to: str = TO, seconds: float = 20, **options: Any) -> list[Finding]:
    return list(
        Dialogue(
            EmailBackend(alias="direct", host="127.0.0.1", port=port, **options), to, seconds=seconds
        ).steps()
    )


def last(findings: list[Finding]) -> tuple[str, str]:
    assert [finding.state for finding in findings[:-1]] == [State.OK] * (len(findings) - 1)
    assert findings[-1].state is State.WRONG
    assert findings[-1].mend
    return findings[-1].name, findings[-1].text


def test_each_step_is_a_line_and_the_message_arrives(smtp: Server) -> None:
    found = spoken(smtp.port)
    steps = ["connect", "hello", "sender", "recipient", "message"]
    assert [(one.state, one.name) for one in found] == [(State.OK, f"mail {step}") for step in steps]
    assert [envelope.rcpt_tos for envelope in smtp.accepted] == [[TO]]
    assert smtp.message_ids()[0] in found[-1].text


@pytest.mark.parametrize(
    ("stage", "step"), [("EHLO", "hello"), ("MAIL", "sender"), ("RCPT", "recipient"), ("FINAL", "message")]
)
@pytest.mark.parametrize("how", [HANG, DRIP, DROP, "554 5.7.1 we do not like you"])
def test_a_server_that_hangs_drips_hangs_up_or_refuses_is_named_at_the_step(
    smtp: Server, stage: str, step: str, how: str
) -> None:
    smtp.fail(stage, how)
    started = time.monotonic()
    name, text = last(spoken(smtp.port, seconds=1))
    assert name == f"mail {step}"
    assert time.monotonic() - started < 20
    if how == HANG:
        assert "no answer within 1 s" in text
    if how[:1] == "5":
        assert "554 5.7.1 we do not like you" in text


def test_a_port_that_nothing_listens_on(smtp: Server) -> None:
    smtp.stop()
    name, text = last(spoken(smtp.port))
    assert (name, "refused" in text) == ("mail connect", True)


def test_a_server_without_starttls_is_not_given_a_password(smtp: Server) -> None:
    found = spoken(smtp.port, use_tls=True, username="kwippy", password="secret-word")
    assert last(found) == ("mail starttls", "the server does not offer STARTTLS")


# ── Servers that are none ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], object]], int]]:
    """Starts a server that does with its first connection what it is told; returns the port."""
    listeners = []

    def start(act: Callable[[socket.socket], object]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            peer, _ = listener.accept()
            try:
                act(peer)
            except OSError:
                pass  # the client has gone, as it should
            peer.close()

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def endless(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"220-and another thing\r\n" * 1000)


def dripping(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"2")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "this is not SMTP"),
        (lambda peer: peer.sendall(b"\x00\xff\x1b[2J\r\n"), "this is not SMTP"),
        (lambda peer: peer.sendall(b"2" * 20_000), "this is not SMTP"),
        (endless, "more than 100 lines"),
        (dripping, "no answer within 1 s"),
        (lambda peer: peer.recv(1), "no answer within 1 s"),
    ],
    ids=["HTTP", "control characters", "an endless line", "endless lines", "drips", "is silent"],
)
def test_what_is_no_mail_server_is_found_out_in_bounded_time_and_memory(
    raw: Any, act: Callable[[socket.socket], object], said: str
) -> None:
    name, text = last(spoken(raw(act), seconds=1))
    assert name == "mail connect"
    assert said in text
    assert "\x1b" not in str(Finding(State.WRONG, name, text))


# ── TLS and sign-in ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    names = ["-subj", "/CN=mail.example.org", "-addext", "subjectAltName=DNS:mail.example.org"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", *kind, *names, "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return key, chain


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[Controller]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate[1], certificate[0])

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        return AuthResult(success=data.password == b"right", handled=False)

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        Sink(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
        authenticator=authenticate,
    )  # fmt: skip
    controller.start()
    yield controller
    controller.stop()


def test_a_certificate_that_no_authority_signed_or_of_another_name_is_refused(
    tls_server: Controller, certificate: tuple[Path, Path]
) -> None:
    name, text = last(spoken(tls_server.port, use_tls=True))
    assert (name, "certificate" in text) == ("mail starttls", True)
    mailer = EmailBackend(alias="direct", host="localhost", port=tls_server.port, use_tls=True)
    mailer.__dict__["ssl_context"] = ssl.create_default_context(cafile=certificate[1])
    name, text = last(list(Dialogue(mailer, TO).steps()))
    assert (name, "not valid for 'localhost'" in text) == ("mail starttls", True)


@pytest.mark.parametrize(("password", "accepted"), [("right", True), ("wrong-word", False)])
def test_a_password_is_sent_by_tls_alone_and_never_shown(
    tls_server: Controller,
    certificate: tuple[Path, Path],
    password: str,
    accepted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context(cafile=certificate[1])
    context.check_hostname = False
    mailer = EmailBackend(
        alias="direct",
        host="127.0.0.1",
        port=tls_server.port,
        use_tls=True,
        username="kwippy",
        password=password,
    )
    mailer.__dict__["ssl_context"] = context
    found = list(Dialogue(mailer, TO).steps())
    assert password not in " ".join(map(str, found)).replace("right", "right" if not accepted else "")
    if accepted:
        assert [one.state for one in found] == [State.OK] * 7
    else:
        assert last(found)[0] == "mail sign in"
        assert "535" in found[-1].text


def test_without_an_address_nothing_is_sent_and_one_line_is_shown(smtp: Server, settings: Any) -> None:
    options = {"host": "127.0.0.1", "port": smtp.port, "use_tls": False, "timeout": 10}
    backend = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {
        "default": {"BACKEND": backend, "OPTIONS": options},
        "direct": {"BACKEND": backend, "OPTIONS": options},
    }
    [found] = smtp_dialogue.greet()
    assert found.state is State.OK
    assert smtp.accepted == []
    smtp.fail("EHLO", "421 not now")
    [found] = smtp_dialogue.greet()
    assert (found.state, found.name) == (State.WRONG, "mail hello")
