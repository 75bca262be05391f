"""The greeting of newcomers: on the first kwip, exactly once, by the words that operators chose."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.graph.models import Block
from apps.kwips import actions, events
from apps.kwips.greeting import greet
from apps.kwips.models import Kwip
from apps.policy.models import SitePolicy
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)
type Publish = Callable[..., Kwip]


@pytest.fixture
def house(db: None) -> User:
    house = User.objects.create_user("kwippy_house", "house@example.org")
    SitePolicy(greeter=house, greeting="hello {name}, have a <tea>").save()
    return house


def enqueued() -> list[int]:
    """The kwips of the commands that wait, the oldest first."""
    rows = Command.objects.filter(task=greet.module_path).order_by("pk")
    return [row.arguments["args"][0] for row in rows if row.arguments]


def greetings(house: User) -> list[tuple[int | None, str]]:
    return list(Kwip.objects.filter(author=house).order_by("pk").values_list("thread_id", "text"))


def test_a_first_kwip_is_greeted_by_a_command_of_its_transaction(
    house: User, ann: User, publish: Publish
) -> None:
    kwip = publish(ann)
    assert enqueued() == [kwip.pk]
    greet.call(kwip.pk)
    assert greetings(house) == [(kwip.pk, "hello @ann, have a <tea>")]
    kwip.refresh_from_db()
    assert kwip.comments_count == 1
    assert kwip.comments.get().mentions.get().user == ann
    ann.refresh_from_db()
    publish(ann)
    assert enqueued() == [kwip.pk], "the first one only"


def test_a_rolled_back_kwip_leaves_no_command(house: User, ann: User, publish: Publish) -> None:
    with transaction.atomic():
        publish(ann)
        transaction.set_rollback(True)
    assert enqueued() == []


def test_a_repeated_command_and_two_workers_greet_once(house: User, ann: User, publish: Publish) -> None:
    kwip = publish(ann)
    at_once([lambda: greet.call(kwip.pk)] * 6)
    greet.call(kwip.pk)
    assert len(greetings(house)) == 1


def test_a_worker_killed_before_its_commit_greets_at_the_next_attempt(
    house: User, ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    kwip = publish(ann)

    class Killed(BaseException):
        pass

    def killed(event: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(events.commented, "subscribers_within", [killed])
        with pytest.raises(Killed):
            greet.call(kwip.pk)
    assert greetings(house) == []
    greet.call(kwip.pk)
    assert len(greetings(house)) == 1


def test_a_deleted_greeting_stays_deleted_and_a_second_first_kwip_is_not_greeted(
    house: User, ann: User, publish: Publish
) -> None:
    kwip = publish(ann)
    greet.call(kwip.pk)
    actions.delete(kwip=kwip.comments.get())
    greet.call(kwip.pk)
    actions.delete(kwip=kwip)
    greet.call(kwip.pk)
    ann.refresh_from_db()
    again = publish(ann)
    greet.call(again.pk)
    assert greetings(house) == []


def test_kwips_for_followers_are_not_greeted(house: User, ann: User, publish: Publish) -> None:
    kwip = publish(ann, followers_only=True)
    assert enqueued() == []
    greet.call(kwip.pk)
    public = publish(ann)
    greet.call(public.pk)
    assert greetings(house) == []


def is_off(_: User, __: User) -> None:
    SitePolicy(greeting="hello").save()


def has_no_words(house: User, _: User) -> None:
    SitePolicy(greeter=house).save()


def house_is_off(house: User, _: User) -> None:
    switch_off(people=[house], by=None)


def author_is_off(_: User, ann: User) -> None:
    switch_off(people=[ann], by=None)


def blocked(house: User, ann: User) -> None:
    Block.objects.create(blocker=ann, blocked=house)


@pytest.mark.parametrize("change", [is_off, has_no_words, house_is_off, author_is_off, blocked])
def test_the_command_looks_again(
    house: User, ann: User, publish: Publish, change: Callable[[User, User], None]
) -> None:
    kwip = publish(ann)
    change(house, ann)
    greet.call(kwip.pk)
    assert greetings(house) == []


def test_without_a_greeting_nothing_is_enqueued_and_a_cached_author_costs_no_query(
    ann: User, publish: Publish
) -> None:
    publish(ann)
    assert enqueued() == []
    from apps.accounts.backends import CachedUserBackend

    CachedUserBackend().get_user(ann.pk)
    cached = CachedUserBackend().get_user(ann.pk)
    assert cached is not None
    with CaptureQueriesContext(connection) as captured:
        publish(cached)
    assert not [query for query in captured if "sitepolicy" in query["sql"]]
