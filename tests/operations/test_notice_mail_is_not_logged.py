"""Mail of notices is sent, refused, and fails: no log has an address, a word, or a link of it."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from django.core.mail import send_mail
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.commandqueue.tests.conftest import let_time_pass, work
from apps.notifications import preferences
from apps.notifications.mail.tests.conftest import (
    ann,
    bob,
    comment,
    mail_server,
    nothing_recurs,
    publish,
    smtp,
)
from apps.notifications.mail.tests.test_refusals import mail
from apps.notifications.mail.unsubscribe import Subscription
from kwippy.observability.logs import logging_config

__all__ = ["ann", "bob", "comment", "mail", "mail_server", "nothing_recurs", "publish", "smtp"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    monkeypatch.setattr(logging.getLogger("mail.log"), "propagate", False)  # of the mail server in this test
    logging_config(format="json", level="INFO")
    written = io.StringIO()
    root.handlers[0].setStream(written)  # type: ignore[attr-defined]
    yield written
    logging_config(format="json", level="WARNING")
    root.handlers, root.level = before, level


def test_no_log_has_an_address_or_a_word_of_the_mail(
    logged: io.StringIO, mail: Callable[..., Command | None], ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reply, stage in (
        ("550 <ann@example.org>: who?", "RCPT"), ("450 <ann@example.org>", "RCPT"),
        ("550 ann@example.org", "FINAL"), ("451 ann@example.org", "FINAL"), ("", ""),
    ):  # fmt: skip
        mail(reply, stage)
        let_time_pass()
        preferences.try_again(user=ann)

    def fails(*arguments: object) -> None:
        raise ValueError

    monkeypatch.setattr("apps.notifications.mail.mails.of_notice", fails)
    mail()
    send_mail("canary", "canary", "site@example.org", ["ann@example.org"])
    work()
    assert "mail of notices failed" in logged.getvalue()
    for canary in ("ann@", "canary words", "stop/"):
        assert canary not in logged.getvalue(), canary


def test_the_log_of_requests_has_no_link_that_ends_mail(
    logged: io.StringIO, client: Client, ann: User
) -> None:
    path = Subscription(ann.pk).url.removeprefix("http://localhost:8000")
    client.post(path)
    assert json.dumps("/notifications/stop/…") in logged.getvalue()
    assert path not in logged.getvalue()
