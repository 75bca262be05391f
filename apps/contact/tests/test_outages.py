"""The contact form without PostgreSQL or SMTP: a 503 that keeps the input."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.conf import settings as django_settings
from django.test import Client

from apps.contact.models import Message
from apps.contact.tests.form_data import MESSAGE, filled

WITHOUT_POSTGRESQL = """
import json, sys, django
django.setup()
from django.test import Client
form = json.load(sys.stdin)
pages = []
for session in ("", "a" * 32):
    client = Client(raise_request_exception=False)
    if session:
        client.cookies["sessionid"] = session
    for answer in (client.post("/contact/", form), client.get("/contact/")):
        pages.append([answer.status_code, answer.get("Retry-After"), answer.content.decode()])
print(json.dumps(pages))
"""


def test_without_postgresql_the_form_keeps_its_input() -> None:
    form = filled()
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSTGRESQL],
        cwd=django_settings.BASE_DIR,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "DATABASE_HOST": "/nonexistent",
            "SITE_URL": "http://testserver",
            "STATIC_MANIFEST": "0",
        },
        input=json.dumps(form),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    anonymous, opened, members, _ = json.loads(done.stdout.splitlines()[-1])
    assert opened[0] == 200, "the form itself needs no database"
    for status, retry_after, html in (anonymous, members):
        assert (status, int(retry_after) > 0) == (503, True)
        page = unescape(html)
        for field in ("name", "email", "subject"):
            assert f'value="{MESSAGE[field]}"' in page
        assert "where is the <pot>?\n\nann" in page.replace("\r\n", "\n")
        assert str(form["form_key"]) in page, "a repetition has the same key"
        assert "wasn't sent" in page
        assert "thank you" not in page


class RecordingHandler(Sink):
    def __init__(self) -> None:
        super().__init__()
        self.recipients: list[str] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def smtp_server() -> Iterator[tuple[RecordingHandler, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    handler = RecordingHandler()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def through_smtp(settings, port: int) -> None:
    options = {"host": "127.0.0.1", "port": port, "use_tls": False, "timeout": 5}
    settings.MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
    }


@pytest.mark.django_db
def test_with_smtp_both_mails_arrive(
    client: Client, settings, smtp_server: tuple[RecordingHandler, int]
) -> None:
    handler, port = smtp_server
    through_smtp(settings, port)
    assert client.post("/contact/", filled()).status_code == 302
    assert handler.recipients == ["operators@kwippy.example", "ann@example.org"]


@pytest.mark.django_db(transaction=True)
def test_without_smtp_or_queue_the_form_shows_an_error_and_keeps_its_input(client: Client, settings) -> None:
    through_smtp(settings, 1)
    form = filled()
    answer = client.post("/contact/", form)
    assert answer.status_code == 503
    page = unescape(answer.content.decode())
    assert "where is the <pot>?" in page
    assert 'value="the kettle"' in page
    assert not Message.objects.exists(), "a repetition must not store a second one"
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    assert client.post("/contact/", form).status_code == 302
