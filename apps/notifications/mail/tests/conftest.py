"""Fixtures: people with confirmed addresses, a mail server, and functions that carry out commands."""

import datetime
from collections.abc import Callable, Collection
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db.models import F

from apps.accounts.models import User
from apps.commandqueue.models import Command, Kind
from apps.commandqueue.tests.conftest import mail_server, mailers, nothing_recurs, smtp
from apps.kwips.models import Kwip
from apps.notifications import preferences
from apps.notifications.mail import digests, now
from apps.notifications.models import Notice
from tests.support.fixtures import comment, publish

__all__ = ["comment", "mail_server", "nothing_recurs", "publish", "smtp"]

type Write = Callable[..., Kwip]


@pytest.fixture(autouse=True)
def queued(settings: Any) -> None:
    """Mail waits in the queue. Django's test set-up would keep it in memory."""
    settings.MAILERS = mailers(port=1)


def join(name: str) -> User:
    """A person with a confirmed address."""
    person = User.objects.create_user(name, f"{name}@example.org", "a long password")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@pytest.fixture
def ann(transactional_db: None) -> User:
    return join("ann")


@pytest.fixture
def bob(transactional_db: None) -> User:
    return join("bob")


@pytest.fixture
def cee(transactional_db: None) -> User:
    return join("cee")


def choose(person: User, **channels: str) -> None:
    chosen = preferences.of(person)
    preferences.change(
        user=person, channels=channels, digest=chosen.digest, hour=chosen.hour, time_zone=chosen.time_zone
    )


def mail_at_once() -> int:
    """Carries out the commands of mail at once; returns how many notices were mailed."""
    commands = list(Command.objects.filter(task__endswith="mail_notices").order_by("pk"))
    Command.objects.filter(pk__in=[command.pk for command in commands]).delete()
    return sum(now.mail_notices.func(*(command.arguments or {})["args"]) for command in commands)


def digests_are_due(*people: User) -> None:
    """What waits has waited for two days; of everyone, or of these people."""
    rows = Notice.objects.filter(recipient__in=people) if people else Notice.objects.all()
    rows.update(notified_at=F("notified_at") - datetime.timedelta(days=2))


def send_digests() -> int:
    digests_are_due()
    return digests.send_due.func()


def outgoing() -> list[EmailMessage]:
    """The messages in the queue, oldest first."""
    rows = Command.objects.filter(kind=Kind.MAIL).exclude(body=None).order_by("pk")
    return [message_from_bytes(bytes(row.body or b""), policy=policy.default) for row in rows]


def addressed() -> list[str]:
    """The names of the people to whom messages are in the queue, sorted."""
    rows: Collection[list[str]] = Command.objects.filter(kind=Kind.MAIL).values_list("recipients", flat=True)
    return sorted(to.partition("@")[0] for recipients in rows for to in recipients)


def part(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())
