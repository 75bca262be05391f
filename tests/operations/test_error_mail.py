"""Error mail to ADMINS."""

import logging
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.log import AdminEmailHandler

from apps.commandqueue.mail.headers import decoded, is_one_line
from apps.limits import Busy
from kwippy.eml_backend import EmlFileBackend
from kwippy.observability import error_mail
from kwippy.wiring import mail_errors_to_admins


@pytest.fixture
def errors_are_mailed(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ADMINS = ["ops@example.org"]
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "kwippy.eml_backend.EmlFileBackend", "OPTIONS": {"directory": tmp_path}},
    }
    logger = logging.getLogger("django.request")
    before = list(logger.handlers)
    mail_errors_to_admins()
    yield tmp_path
    logger.handlers = before


@pytest.mark.django_db
def test_an_error_is_mailed_past_the_queue_and_so_without_postgresql(
    errors_are_mailed: Path, django_assert_num_queries: Any
) -> None:
    assert isinstance(logging.getLogger("django.request").handlers[-1], AdminEmailHandler)
    with django_assert_num_queries(0, connection=connection):
        logging.getLogger("django.request").error("the kettle has exploded")
    [mail] = errors_are_mailed.glob("*.eml")
    assert b"the kettle has exploded" in mail.read_bytes()


def without_postgresql(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    raise OperationalError("too many clients")


def wrong(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    raise KeyError


def false(request: HttpRequest, number: int = 0) -> HttpResponse:
    raise ValueError(number)


def at_work(request: HttpRequest) -> HttpResponse:
    raise Busy("another one is at it")


urlpatterns = [
    path("busy/", at_work),
    path("away/", without_postgresql),
    path("gone/", without_postgresql),
    path("wrong/", wrong),
    path("false/", false),
    path("other/<int:number>/", false),
]
handler500 = "kwippy.errors.server_error"


def mails(directory: Path) -> list[str]:
    """The texts of the mails, the oldest first."""
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted(directory.glob("*.eml"))
    ]
    return [str(mail.get_content()) for mail in found]


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_of_each_kind_of_error_one_mail_a_minute_goes_out_and_says_how_many_did_not(
    errors_are_mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock stands still, however slow the machine is.
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    client = Client(raise_request_exception=False)
    for address, status in (("away", 503), ("gone", 503), ("wrong", 500), ("false", 500), ("other/1", 500)):
        for _ in range(20):
            assert client.get(f"/{address}/").status_code == status
    for number in range(20):
        client.get(f"/other/{number}/")
    # PostgreSQL is one kind on all routes; two exceptions on a route, and one on two routes, are two each.
    first = mails(errors_are_mailed)
    assert len(first) == 4
    assert not any("more errors of this kind" in text for text in first)
    clock[0] += error_mail.PAUSE
    for address in ("gone", "wrong", "false", "other/9", "wrong"):
        client.get(f"/{address}/")
    told = [int(text.split(" more errors of this kind")[0]) for text in mails(errors_are_mailed)[4:]]
    assert told == [39, 19, 19, 39]


@override_settings(ROOT_URLCONF=__name__)
def test_an_overload_is_not_an_error(errors_are_mailed: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = Client().get("/busy/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert mails(errors_are_mailed) == []


@pytest.mark.parametrize(
    "typed", ["=?utf-8?q?=0aBcc:_eve=40evil.example?=", "a\nBcc: x", "a\x85b\u2028c", "\x00"]
)
def test_what_stands_in_the_subject_is_one_line(errors_are_mailed: Path, typed: str) -> None:
    logging.getLogger("django.request").error("Internal Server Error: /%s/", typed)
    [mail] = errors_are_mailed.glob("*.eml")
    headers = decoded(mail.read_bytes())
    assert any("Internal Server Error" in header for header in headers)
    assert all(is_one_line(header) for header in headers)


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_kinds_of_errors_without_end_take_no_memory_without_end(
    errors_are_mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_mail, "MOST_KINDS", 2)
    client = Client(raise_request_exception=False)
    for address in ("wrong", "false", "away", "wrong"):
        client.get(f"/{address}/")
    assert len(mails(errors_are_mailed)) == 4  # the first was forgotten
    [handler] = [
        h for h in logging.getLogger("django.request").handlers if isinstance(h, error_mail.ErrorMailHandler)
    ]
    assert len(handler._mailed) == 2


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_an_error_is_mailed_without_holding_a_connection(
    errors_are_mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    send = EmlFileBackend.send_messages

    def watch(backend: EmlFileBackend, messages: Any) -> int:
        held.append(connection.connection is not None)
        return send(backend, messages)

    monkeypatch.setattr(EmlFileBackend, "send_messages", watch)
    Client(raise_request_exception=False).get("/wrong/")
    assert held == [False]


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_where_no_mail_can_go_out_the_visitor_still_gets_the_page(
    errors_are_mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(backend: EmlFileBackend, messages: Any) -> int:
        raise OSError("no route to host")

    monkeypatch.setattr(EmlFileBackend, "send_messages", refuse)
    answer = Client(raise_request_exception=False).get("/wrong/")
    assert answer.status_code == 500
    assert "that was us, not you" in answer.content.decode()
