"""The newcomer's first day, in a browser without JavaScript."""

import uuid
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.core import mail
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.kwips import actions
from tests.support import journey


def newest_mail(address: str) -> bytes:
    message = next(message for message in reversed(mail.outbox) if address in message.to)
    return message.message().as_bytes()


@pytest.fixture
def ann_with_a_kwip(transactional_db: None) -> User:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    actions.publish(author=ann, text="tea, as every day", form_key=uuid.uuid4())
    return ann


@pytest.mark.usefixtures("ann_with_a_kwip")
def test_a_newcomer_gets_from_sign_up_to_a_deleted_kwip_without_javascript(
    live_server: LiveServer, open_page: Callable[..., Page], settings: LazySettings
) -> None:
    # Links in mail lead to the site's own address, whatever port a request came through.
    settings.SITE_URL = live_server.url
    journey.walk(journey.Newcomer(live_server.url), lambda: open_page(javascript=False), newest_mail)
