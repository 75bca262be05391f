"""The right column: the conversations that a viewer tracks, with something new in them."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.feeds.side import side
from apps.graph.blocking import block
from apps.graph.muting import mute_conversation
from apps.kwips import tracking
from apps.kwips.actions import delete
from apps.kwips.models import Kwip
from apps.notifications.actions import visit

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]
type Comment = Callable[..., Kwip]


def talks(viewer: User) -> list[str]:
    return [talk.words for talk in side(viewer.pk)["talks"]]


def test_a_conversation_is_there_from_its_first_new_comment_until_it_is_opened(
    client: Client, ann: User, bob: User, publish: Publish, comment: Comment
) -> None:
    own, tracked, other = publish(ann, "my own"), publish(bob, "of bob"), publish(bob, "of no interest")
    tracking.set_tracking(kwip=tracked, user=ann, is_on=True)
    comment(ann, own)
    assert talks(ann) == []
    for kwip in (own, tracked, other, own):
        comment(bob, kwip)
    assert talks(ann) == ["of bob", "my own"]
    client.force_login(ann)
    assert client.get("/").content.decode().count('dir="auto">of bob</a>') == 1
    # The list of notices does not end it, the conversation does.
    client.get("/notifications/")
    visit(user=ann, thread_id=own.pk)
    assert talks(ann) == ["of bob"]


def test_a_conversation_is_named_by_the_note_before_it_or_by_its_words_without_marks(
    ann: User, bob: User, publish: Publish, comment: Comment
) -> None:
    for kwip in (publish(ann, "the butler did it", content_note="how it ends"), publish(ann, "*so* it is")):
        comment(bob, kwip)
    assert talks(ann) == ["so it is", "how it ends"]


def test_what_the_viewer_may_not_see_or_mutes_is_not_new(
    ann: User, bob: User, publish: Publish, comment: Comment
) -> None:
    cee = User.objects.create_user("cee", "cee@example.org")
    kept, muted, stopped, deleted, blocked = (publish(ann, f"kwip {n}") for n in range(5))
    for kwip in (kept, muted, stopped, deleted):
        said = comment(bob, kwip)
    comment(cee, blocked)
    assert len(talks(ann)) == 5
    mute_conversation(muter=ann, kwip_id=muted.pk, ends_at=None, is_muffled=True)
    tracking.set_tracking(kwip=stopped, user=ann, is_on=False)
    delete(kwip=said)
    block(blocker=cee, blocked=ann)
    assert talks(ann) == ["kwip 0"]


def test_there_are_five_at_most(ann: User, bob: User, publish: Publish, comment: Comment) -> None:
    for number in range(6):
        comment(bob, publish(ann, f"kwip {number}"))
    assert talks(ann) == ["kwip 5", "kwip 4", "kwip 3", "kwip 2", "kwip 1"]
    assert talks(bob) == []
