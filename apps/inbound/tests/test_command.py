"""The command that a mail server pipes mail into: its exit code, and what it reads."""

import io
import os
import smtplib
import socket
import subprocess
import sys
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings as site
from django.db import connection

from apps.inbound import parsing
from apps.inbound.management.commands.receivemail import read
from apps.inbound.tests.composing import composed
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db(transaction=True)


def pipe(raw: bytes, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """As postfix does it, on the database of the tests."""
    return subprocess.run(
        [sys.executable, "manage.py", "receivemail", *arguments],
        cwd=site.BASE_DIR,
        env=os.environ | {"DATABASE_NAME": connection.settings_dict["NAME"]} | environment,
        input=raw,
        capture_output=True,
        check=False,
    )


def test_a_mail_that_is_piped_is_published(secret: str) -> None:
    done = pipe(composed(secret))
    assert (done.returncode, done.stdout) == (0, b"published\n"), done.stderr
    assert Kwip.objects.get().text == "the kettle sings"


def test_a_refused_mail_is_done_so_that_the_server_sends_no_bounce(secret: str) -> None:
    assert pipe(composed("nobody@in.kwippy.example"), "--sender", "a@b.example").returncode == 0
    assert pipe(composed(secret, "", Subject="")).returncode == 0
    assert pipe(composed(secret), secret, "--sender", "").stdout == b"automatic\n"
    assert pipe(b"").returncode == 0


def test_without_the_database_the_server_keeps_the_mail(secret: str) -> None:
    done = pipe(composed(secret), DATABASE_HOST="/nowhere")
    assert done.returncode == os.EX_TEMPFAIL
    assert not Kwip.objects.exists()


def test_no_more_is_kept_than_is_accepted_and_all_is_read() -> None:
    stream = io.BytesIO(b"a" * (parsing.MAX_BYTES + 500_000))
    assert len(read(stream)) == parsing.MAX_BYTES + 1
    assert stream.read() == b""


class Delivery:
    """A mail server that pipes what it gets, and answers as the exit code says."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        done = pipe(envelope.content, *envelope.rcpt_tos[:1], "--sender", envelope.mail_from or "")
        self.answers.append("250 OK" if done.returncode == 0 else "451 later")
        return self.answers[-1]


def test_from_an_smtp_dialogue_to_a_kwip(secret: str) -> None:
    """A mail program's own bytes: smtplib folds, encodes and dots them."""
    delivery = Delivery()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(delivery, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Ann <ann@example.org>", secret, "grüße"
        mail["Message-ID"] = "<one@example.org>"
        mail.set_content(
            "grüße aus dem zug\n\n.\neine zeile mit punkt " + "und mehr " * 60 + "\n\n-- \nann\n"
        )
        mail.add_alternative("<p>grüße aus dem zug</p>", subtype="html")
        for _ in range(2):
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.send_message(mail)
    finally:
        controller.stop()
    assert delivery.answers == ["250 OK", "250 OK"]
    kwip = Kwip.objects.get()
    assert kwip.text.startswith("grüße aus dem zug\n\n.\neine zeile mit punkt und mehr")
    assert "ann" not in kwip.text
