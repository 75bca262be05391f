"""Mail about errors to those who run the site."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils.log import AdminEmailHandler

from kwippy.apps import mail_errors_to_admins


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
