"""Blocks and mutes make no notices, and hide those that are there: on the page, in the mark, in mail."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.graph import actions as graph
from apps.graph import blocking, muting
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.kwips import actions, muted_words, sharing, tracking
from apps.kwips.models import Kwip
from apps.notifications import queries
from apps.notifications.actions import notify_commented, notify_mentioned
from apps.notifications.models import Notice

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

WAYS = ("silenced", "muffled")


@pytest.fixture
def talk(ann: User, publish: Publish) -> Kwip:
    return publish(ann, "who has the kettle?")


def mute(ann: User, bob: User, talk: Kwip, what: str, *, is_muffled: bool) -> None:
    how: dict[str, Any] = {"ends_at": None, "is_muffled": is_muffled}
    if what == "person":
        muting.mute_person(muter=ann, muted=bob, **how)
    elif what == "talk":
        muting.mute_conversation(muter=ann, kwip_id=talk.pk, **how)
    else:
        muting.mute_word(muter=ann, **muted_words.parse(what)._asdict(), **how)


def shown(viewer: User) -> list[str]:
    """The kinds of the lines of the page."""
    return [line.kind.name for group in queries.notices(viewer, {}) for line in group.lines]


def mailed(viewer: User) -> int:
    ids = list(Notice.objects.filter(recipient=viewer).values_list("pk", flat=True))
    return len(queries.selected(viewer_id=viewer.pk, ids=ids))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["person", "talk", "café", "#leaves"])
def test_a_comment_that_is_muted_makes_no_notice_and_hides_one_that_is_there(
    ann: User, bob: User, talk: Kwip, comment: Publish, what: str, way: str
) -> None:
    said = comment(bob, talk, "@ann at the CAFE, #leaves")
    assert shown(ann) == ["mention"]
    assert mailed(ann) == 1
    mute(ann, bob, talk, what, is_muffled=way == "muffled")
    assert shown(ann) == []
    assert mailed(ann) == 0
    Notice.objects.all().delete()
    comment(bob, talk, "the café, #leaves")
    comment(bob, talk, "@ann in the café, #leaves")
    # The commands of comments with many to notify.
    notify_commented.func(said.pk, talk.pk)
    notify_mentioned.func(said.pk)
    assert not Notice.objects.exists()
    comment(User.objects.create_user("eve", "eve@example.org"), talk, "tea")
    assert shown(ann) == (["comment"] if what != "talk" else [])
    for model in (Mute, MutedConversation, MutedWord):
        model.objects.update(ends_at=LONG_AGO)
    comment(bob, talk, "@ann the café again, #leaves")
    assert "mention" in shown(ann)


@pytest.mark.parametrize("what", ["person", "talk"])
def test_who_likes_or_shares_makes_no_notice_either(ann: User, bob: User, talk: Kwip, what: str) -> None:
    mute(ann, bob, talk, what, is_muffled=False)
    actions.favourite(kwip=talk, user=bob)
    sharing.share(kwip=talk, user=bob)
    assert not Notice.objects.exists()


def test_a_muted_word_in_ones_own_kwip_hides_no_notice(ann: User, bob: User, talk: Kwip) -> None:
    mute(ann, bob, talk, "kettle", is_muffled=False)
    actions.favourite(kwip=talk, user=bob)
    assert shown(ann) == ["favourite"]
    assert mailed(ann) == 1


def test_the_first_comment_without_a_muted_word_is_what_a_notice_leads_to(
    ann: User, bob: User, talk: Kwip, comment: Publish
) -> None:
    comment(bob, talk, "café")
    second = comment(bob, talk, "tea")
    mute(ann, bob, talk, "cafe", is_muffled=False)
    [group] = queries.notices(ann, {})
    assert [line.kwip_id for line in group.lines] == [second.pk]


@pytest.mark.parametrize("ann_blocks", [True, False])
def test_across_a_block_nobody_is_notified_and_earlier_notices_are_hidden(
    ann: User, bob: User, talk: Kwip, publish: Publish, comment: Publish, ann_blocks: bool
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    elsewhere = publish(eve)
    for person in (ann, bob):
        tracking.set_tracking(kwip=elsewhere, user=person, is_on=True)
    graph.follow(follower=bob, followee=ann)
    comment(bob, talk, "@ann look")
    actions.favourite(kwip=talk, user=bob)
    sharing.share(kwip=talk, user=bob)
    comment(bob, elsewhere, "i track this")
    assert sorted(shown(ann)) == ["favourite", "follow", "mention", "share", "tracked"]
    one, other = (ann, bob) if ann_blocks else (bob, ann)
    blocking.block(blocker=one, blocked=other)
    assert shown(ann) == []
    assert mailed(ann) == 0
    Notice.objects.all().delete()
    publish(bob, "@ann and again")
    comment(bob, elsewhere, "hello @ann")
    comment(ann, elsewhere, "hello @bob")
    notify_commented.func(elsewhere.comments.latest("pk").pk, elsewhere.pk)
    assert set(Notice.objects.values_list("recipient__username", flat=True)) == {"eve"}
