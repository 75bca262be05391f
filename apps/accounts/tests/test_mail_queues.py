"""Queue options of allauth's mail."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.mail_samples import samples
from apps.commandqueue.models import Command, Queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def queued(settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }


def sent(name: str) -> Command:
    """The queued command of one of allauth's mails."""
    dict(samples())[name].send()
    return Command.objects.get()


@pytest.mark.parametrize("name", ["email_confirmation", "email_confirmation_signup", "password_reset_key"])
def test_mail_with_a_credential_goes_first_and_is_not_retained(name: str) -> None:
    command = sent(name)
    assert (command.queue_name, command.secret) == (Queue.NOW, True)
    assert (command.expires_at - command.due_at).total_seconds() == 3600


@pytest.mark.parametrize("name", ["password_changed", "email_deleted"])
def test_notices_about_an_account_use_the_default_lifetime(name: str) -> None:
    command = sent(name)
    assert (command.queue_name, command.secret) == (Queue.DEFAULT, False)
    assert (command.expires_at - command.due_at).total_seconds() == 172_800


def test_signing_up_puts_the_confirmation_into_the_queue(client: Client) -> None:
    form = {"username": "eve", "email": "eve@example.org"}
    passwords = {"password1": "seven green teapots", "password2": "seven green teapots"}
    client.post("/accounts/signup/", form | passwords)
    command = Command.objects.get()
    assert (command.recipients, command.secret) == (["eve@example.org"], True)
