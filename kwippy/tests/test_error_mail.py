"""Mail about errors to those who run the site."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.log import AdminEmailHandler

from kwippy import errormail
from kwippy.apps import mail_errors_to_admins
from kwippy.mailfiles import EmlFileBackend


@pytest.fixture
def errors_are_mailed(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ADMINS = ["ops@example.org"]
    settings.MAILERS = {
        "default": {"BACKEND": "apps.commandqueue.mail.QueueEmailBackend", "OPTIONS": {"mailer": "direct"}},
        "direct": {"BACKEND": "kwippy.mailfiles.EmlFileBackend", "OPTIONS": {"directory": tmp_path}},
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


urlpatterns = [path("away/", without_postgresql), path("wrong/", wrong)]
handler500 = "kwippy.errors.server_error"


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_where_postgresql_is_away_not_every_request_is_a_mail(
    errors_are_mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    for _ in range(5):
        assert client.get("/away/").status_code == 503
    assert len(list(errors_are_mailed.glob("*.eml"))) == 1
    for _ in range(2):
        assert client.get("/wrong/").status_code == 500
    assert len(list(errors_are_mailed.glob("*.eml"))) == 3
    moment = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: moment() + errormail.PAUSE)
    client.get("/away/")
    assert len(list(errors_are_mailed.glob("*.eml"))) == 4


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
