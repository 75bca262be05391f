"""Who gets mail: every action against every relation to the conversation, and against each channel."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from apps.commandqueue.models import Command
from apps.notifications.mail.tests.conftest import addressed, mail_at_once, send_digests
from apps.notifications.models import Notice, Preferences
from apps.notifications.registry import KINDS, Channel
from apps.notifications.tests.test_who_is_notified import TABLE, Scene, scene

__all__ = ["scene"]
pytestmark = pytest.mark.django_db(transaction=True)

CHANNELS = [Channel.NONE, Channel.SITE, Channel.DIGEST, Channel.MAIL]


@pytest.fixture
def mailable(scene: Scene) -> Scene:
    """All have confirmed addresses, and nothing is in the queue."""
    EmailAddress.objects.bulk_create(
        EmailAddress(user=person, email=person.email, verified=True, primary=True)
        for person in scene.people.values()
    )
    Command.objects.all().delete()
    return scene


def choose(scene: Scene, channel: str) -> None:
    """Everyone chooses this channel for every kind."""
    Preferences.objects.bulk_create(
        Preferences(user=person, channels=dict.fromkeys(KINDS, channel)) for person in scene.people.values()
    )


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("act", "always", "for_everyone"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_those_whom_an_action_concerns_get_it_by_the_channel_they_chose(
    mailable: Scene,
    act: Callable[[Scene], Any],
    always: dict[str, str],
    for_everyone: dict[str, str],
    channel: Channel,
) -> None:
    choose(mailable, channel)
    act(mailable)
    expected = sorted(always | ({} if mailable.kwip.followers_only else for_everyone))
    on_the_site = Notice.objects.values_list("recipient__username", flat=True)
    assert sorted(on_the_site) == (expected if channel != Channel.NONE else [])
    mail_at_once()
    assert addressed() == (expected if channel == Channel.MAIL else [])
    Command.objects.all().delete()
    sent = send_digests()
    assert addressed() == (expected if channel == Channel.DIGEST else [])
    assert sent == len(addressed())
    Command.objects.all().delete()
    send_digests()
    assert addressed() == [], "nothing is sent twice"


def test_without_a_choice_the_kinds_default_decides(mailable: Scene) -> None:
    channels: set[tuple[str, str]] = set()
    for row in TABLE:
        row[1](mailable)
        channels |= set(Notice.objects.values_list("kind", "channel"))
    assert channels == {(kind, KINDS[kind].channel) for kind, _ in channels}
    assert {kind for kind, _ in channels} >= {"mention", "comment", "tracked", "favourite", "follow"}


def test_the_defaults_are_mail_for_the_first_answer_and_a_digest_for_most(db: None) -> None:
    assert KINDS["comment"].channel == Channel.MAIL
    assert KINDS["favourite"].channel == Channel.SITE
    assert {KINDS[name].channel for name in ("mention", "tracked", "follow")} == {Channel.DIGEST}


def test_a_person_who_wants_no_mentions_is_still_notified_of_a_talk_they_track(mailable: Scene) -> None:
    tracker = mailable["both"]
    Preferences.objects.create(user=tracker, channels={"mention": Channel.NONE})
    [comments] = [row for row in TABLE if row[0] == "comments with mentions"]
    comments[1](mailable)
    assert Notice.objects.get(recipient=tracker).kind == "tracked"
