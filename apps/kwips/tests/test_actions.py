"""The actions of kwips, each repeated and concurrently."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.db.models import Max
from django.utils import timezone

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
        assert kwip.last_active_at >= (newest or kwip.created_at)


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
    edited = actions.edit(kwip=kwip, text="coffee").kwip
    assert edited.edited_at is not None
    assert edited.version == kwip.version + 1
    assert [revision.text for revision in edited.revisions.all()] == ["tea"]
    again = actions.edit(kwip=kwip, text="coffee").kwip
    assert (again.version, Revision.objects.count()) == (edited.version, 1)


def test_a_comment_moves_its_kwip(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann)
    made = comment(bob, kwip)
    kwip.refresh_from_db()
    assert (kwip.comments_count, kwip.version, kwip.last_active_at) == (1, 2, made.created_at)
    counters_are_exact()


def test_a_comment_has_the_audience_of_its_kwip(ann: User, bob: User, publish, comment) -> None:
    for followers_only, audience in ((True, ann), (False, None)):
        made = comment(bob, publish(ann, followers_only=followers_only))
        assert made.audience == audience
        assert Kwip.objects.get(pk=made.pk).audience == audience


def test_deleting_a_comment_leaves_its_kwip_where_the_comment_moved_it(
    ann: User, bob: User, publish, comment
) -> None:
    """While a visitor reads by activity, no kwip goes down, to be shown again."""
    kwip = publish(ann)
    _, second = comment(bob, kwip), comment(bob, kwip)
    actions.favourite(kwip=second, user=ann)
    actions.delete(kwip=second)
    kwip.refresh_from_db()
    assert kwip.last_active_at == second.created_at
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


@pytest.mark.django_db(transaction=True)
def test_new_tags_in_any_order_at_once_do_not_deadlock_and_none_is_lost(
    ann: User, bob: User, publish
) -> None:
    tags = [f"tag{number}" for number in range(20)]
    own = {user.pk: publish(user, "nothing yet") for user in (ann, bob)}

    def write(number: int) -> Kwip:
        user = (ann, bob)[number % 2]
        # Each round has five tags that no other round has, in one order and in the other.
        used = tags[number // 8 * 5 :][:5][:: 1 if number % 4 < 2 else -1]
        text = " ".join(f"#{tag}" for tag in used) + " @ann @bob"
        match number % 3:
            case 0:
                return actions.publish(author=user, text=text, form_key=uuid.uuid4()).kwip
            case 1:
                return actions.comment(author=user, thread=own[ann.pk], text=text, form_key=uuid.uuid4()).kwip
        return actions.edit(kwip=own[user.pk], text=f"{text} {number}").kwip

    for kwip in at_once([partial(write, number) for number in range(32)]):
        text = Kwip.objects.get(pk=kwip.pk).text
        found = KwipTag.objects.filter(kwip=kwip).values_list("tag__name", flat=True)
        assert sorted(found) == sorted(word[1:] for word in text.split() if word[0] == "#")
        assert Mention.objects.filter(kwip=kwip).count() == 2
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_again_while_its_kwip_is_deleted_makes_no_second_one(ann: User) -> None:
    for _ in range(5):
        key = uuid.uuid4()
        kwip = actions.publish(author=ann, text="#tea", form_key=key).kwip

        def again(key: uuid.UUID = key) -> bool:
            try:
                return actions.publish(author=ann, text="#tea", form_key=key).created
            except actions.Gone:
                return False

        def delete(kwip: Kwip = kwip) -> bool:
            try:
                actions.delete(kwip=kwip)
            except actions.Gone:
                pass
            return False

        assert not any(at_once([again, delete, again, again, delete, again] * 3))
    assert not Kwip.objects.exists()
    counters_are_exact()


@pytest.mark.parametrize("prepared", [True, False])
def test_the_returned_kwip_is_the_stored_one(
    ann: User, bob: User, publish, comment, settings: LazySettings, prepared: bool
) -> None:
    settings.PREPARED_STATEMENTS = prepared

    def is_stored(made: Kwip) -> Kwip:
        stored = Kwip.objects.get(pk=made.pk)
        assert made.get_deferred_fields() == set()
        for field in Kwip._meta.concrete_fields:
            assert getattr(made, field.attname) == getattr(stored, field.attname), field
        return made

    hidden = is_stored(publish(ann, "#tea with @bob", followers_only=True))
    is_stored(comment(bob, hidden))
    is_stored(comment(bob, is_stored(publish(ann)), "#tea @ann"))


def test_unfavouriting_what_is_no_favourite_changes_nothing(ann: User, bob: User, publish) -> None:
    kwip = publish(ann)
    assert actions.unfavourite(kwip=kwip, user=ann) == 0
    actions.favourite(kwip=kwip, user=bob)
    assert actions.unfavourite(kwip=kwip, user=ann) == 1
    assert actions.favourite(kwip=kwip, user=bob) == 1
    assert actions.unfavourite(kwip=kwip, user=bob) == 0
    assert Kwip.objects.get().version == 3
    counters_are_exact()


def test_a_comment_is_not_older_than_the_one_before_it_after_the_clock_was_set_back(
    ann: User, publish, comment
) -> None:
    kwip = publish(ann)
    ahead = timezone.now() + timedelta(hours=1)
    Kwip.objects.filter(pk=kwip.pk).update(last_active_at=ahead, created_at=ahead)
    assert comment(ann, kwip).created_at == ahead
    counters_are_exact()
