"""The actions of kwips, each repeated and concurrently."""

import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.db.models import Max

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Favourite, Kwip, KwipTag, Mention, Revision, Tombstone
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


def counters_are_exact() -> None:
    """Every counter equals a recount."""
    for user in User.objects.all():
        assert user.kwips_count == Kwip.objects.filter(author=user, thread=None).count()
        assert user.comments_count == Kwip.objects.filter(author=user).exclude(thread=None).count()
        assert user.favourites_count == Favourite.objects.filter(user=user).count()
    for kwip in Kwip.objects.all():
        assert kwip.comments_count == kwip.comments.count()
        assert kwip.favourites_count == Favourite.objects.filter(kwip=kwip).count()
        newest = kwip.comments.aggregate(newest=Max("created_at"))["newest"]
        assert kwip.last_active_at == (newest or kwip.created_at)


def test_a_form_sent_twice_is_one_kwip(ann: User) -> None:
    key = uuid.uuid4()
    first = actions.publish(author=ann, text="tea", form_key=key)
    second = actions.publish(author=ann, text="tea", form_key=key)
    assert (first.created, second.created) == (True, False)
    assert first.kwip == second.kwip
    counters_are_exact()


def test_two_people_may_have_the_same_form_key(ann: User, bob: User) -> None:
    key = uuid.uuid4()
    made = [actions.publish(author=author, text="tea", form_key=key) for author in (ann, bob)]
    assert [one.created for one in made] == [True, True]


def test_tags_and_mentions_follow_the_text(ann: User, bob: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann, "#tea with @bob and @nobody")
    assert [tag.tag.name for tag in KwipTag.objects.filter(kwip=kwip)] == ["tea"]
    assert [mention.user for mention in Mention.objects.filter(kwip=kwip)] == [bob]
    actions.edit(kwip=kwip, text="#coffee with @ann")
    assert [tag.tag.name for tag in KwipTag.objects.filter(kwip=kwip)] == ["coffee"]
    assert [mention.user for mention in Mention.objects.filter(kwip=kwip)] == [ann]


def test_an_edit_keeps_the_earlier_text_and_moves_the_version(
    ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann, "tea")
    edited = actions.edit(kwip=kwip, text="coffee")
    assert edited.edited_at is not None
    assert edited.version == kwip.version + 1
    assert [revision.text for revision in edited.revisions.all()] == ["tea"]
    again = actions.edit(kwip=kwip, text="coffee")
    assert (again.version, Revision.objects.count()) == (edited.version, 1)


def test_a_comment_moves_its_kwip(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann)
    made = comment(bob, kwip)
    kwip.refresh_from_db()
    assert (kwip.comments_count, kwip.version, kwip.last_active_at) == (1, 2, made.created_at)
    counters_are_exact()


def test_a_comment_has_the_audience_of_its_kwip(ann: User, bob: User, publish, comment) -> None:
    assert comment(bob, publish(ann, followers_only=True)).audience == ann
    assert comment(bob, publish(ann)).audience is None


def test_deleting_a_comment_takes_the_activity_back(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann)
    first, second = comment(bob, kwip), comment(bob, kwip)
    actions.favourite(kwip=second, user=ann)
    actions.delete(kwip=second)
    kwip.refresh_from_db()
    assert kwip.last_active_at == first.created_at
    counters_are_exact()


def test_deleting_a_kwip_takes_its_conversation_along_and_leaves_no_words(
    ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(ann, "#tea @bob")
    made = comment(bob, kwip)
    actions.edit(kwip=kwip, text="#coffee")
    actions.favourite(kwip=kwip, user=bob)
    actions.favourite(kwip=made, user=ann)
    actions.delete(kwip=kwip)
    for model in (Kwip, Favourite, Revision, KwipTag, Mention):
        assert not model.objects.exists(), model
    assert set(Tombstone.objects.values_list("kwip_id", flat=True)) == {kwip.pk, made.pk}
    counters_are_exact()


def test_a_form_sent_again_does_not_bring_a_deleted_kwip_back(ann: User) -> None:
    key = uuid.uuid4()
    actions.delete(kwip=actions.publish(author=ann, text="tea", form_key=key).kwip)
    with pytest.raises(actions.Gone):
        actions.publish(author=ann, text="tea", form_key=key)


def test_nothing_can_be_done_to_a_kwip_that_is_gone(ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    actions.delete(kwip=Kwip.objects.get(pk=kwip.pk))
    with pytest.raises(actions.Gone):
        actions.edit(kwip=kwip, text="x")
    with pytest.raises(actions.Gone):
        actions.delete(kwip=kwip)
    with pytest.raises(actions.Gone):
        actions.favourite(kwip=kwip, user=ann)
    with pytest.raises(actions.Gone):
        actions.comment(author=ann, thread=kwip, text="x", form_key=uuid.uuid4())


@pytest.mark.django_db(transaction=True)
def test_fifty_clicks_at_once_make_one_kwip_one_comment_and_one_favourite(ann: User, publish) -> None:
    key, key_of_comment = uuid.uuid4(), uuid.uuid4()
    made = at_once([lambda: actions.publish(author=ann, text="tea", form_key=key).kwip] * 50)
    assert len({kwip.pk for kwip in made}) == 1
    kwip = made[0]
    at_once([lambda: actions.comment(author=ann, thread=kwip, text="yes", form_key=key_of_comment)] * 50)
    at_once([lambda: actions.favourite(kwip=kwip, user=ann)] * 50)
    assert Kwip.objects.count() == 2
    assert Favourite.objects.count() == 1
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_counters_stay_exact_while_everybody_does_everything_at_once(ann: User, bob: User, publish) -> None:
    kwips = [publish(ann), publish(bob), publish(ann)]

    def story(number: int) -> None:
        user, kwip = (ann, bob)[number % 2], kwips[number % 3]
        try:
            made = actions.comment(author=user, thread=kwip, text=f"c{number}", form_key=uuid.uuid4()).kwip
            actions.favourite(kwip=made, user=ann)
            actions.favourite(kwip=kwip, user=bob)
            if number % 4 == 0:
                actions.unfavourite(kwip=kwip, user=bob)
            if number % 5 == 0:
                actions.delete(kwip=made)
            if number == 20:
                actions.delete(kwip=kwips[2])
            actions.publish(author=user, text="#tea @ann @bob", form_key=uuid.uuid4())
        except actions.Gone:
            assert kwip == kwips[2]

    at_once([partial(story, number) for number in range(48)])
    counters_are_exact()
    assert not Kwip.objects.filter(pk=kwips[2].pk).exists()
