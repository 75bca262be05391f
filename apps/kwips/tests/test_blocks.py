"""What a blocked person can no longer do, at whatever moment the block commits."""

import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph import blocking
from apps.kwips import actions, sharing
from apps.kwips.models import Favourite, Kwip, Share
from tests.support.concurrency import overtaken

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


@pytest.mark.parametrize("ann_blocks", [True, False])
def test_nothing_is_written_across_a_block(
    ann: User, bob: User, publish: Publish, comment: Publish, ann_blocks: bool
) -> None:
    cee = User.objects.create_user("cee", "cee@example.org")
    kwip, talk = publish(ann), publish(cee)
    said = comment(ann, talk)
    blocking.block(blocker=ann if ann_blocks else bob, blocked=bob if ann_blocks else ann)
    with pytest.raises(actions.Gone):
        comment(bob, kwip)
    with pytest.raises(actions.Gone):
        actions.comment(author=bob, thread=talk, text="no", form_key=uuid.uuid4(), answers=said)
    with pytest.raises(sharing.NotShareable):
        sharing.share(kwip=kwip, user=bob)
    assert actions.favourite(kwip=kwip, user=bob) == 0
    comment(bob, talk)
    assert Kwip.objects.get(pk=kwip.pk).comments_count == 0
    assert not Favourite.objects.exists()
    assert not Share.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["comment", "favourite", "share"])
def test_what_waits_for_a_block_sees_it(
    ann: User, bob: User, publish: Publish, comment: Publish, act: str
) -> None:
    kwip = publish(ann)
    acts: dict[str, Callable[[], object]] = {
        "comment": partial(comment, bob, kwip),
        "favourite": partial(actions.favourite, kwip=kwip, user=bob),
        "share": partial(sharing.share, kwip=kwip, user=bob),
    }
    with overtaken(acts[act]) as result:
        blocking.block(blocker=ann, blocked=bob)
    if act == "favourite":
        result()
    else:
        with pytest.raises((actions.Gone, sharing.NotShareable)):
            result()
    assert not kwip.comments.exists()
    assert not Favourite.objects.exists()
    assert not Share.objects.exists()
    kwip.refresh_from_db()
    bob.refresh_from_db()
    assert kwip.comments_count == kwip.favourites_count == kwip.shares_count == 0
    assert bob.comments_count == bob.favourites_count == 0


def test_the_blocked_get_the_answers_of_a_kwip_that_does_not_exist(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(ann)
    blocking.block(blocker=ann, blocked=bob)
    client.force_login(bob)
    for address in ("comment", "favourite", "share", "bookmark", "track", "mute"):
        there, missing = (client.post(f"/kwip/{pk}/{address}/", {"text": "x"}) for pk in (kwip.pk, 2**40))
        assert there.status_code == missing.status_code == 404, address
    assert client.get(f"/ann/kwip/{kwip.pk}/").status_code == 404
    assert client.get("/ann/").status_code == 200
