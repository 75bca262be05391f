"""The number of favourites that a person's kwips have: exact, for that person alone, and off by default."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.db.models import Sum
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.kwips import actions, thanks
from apps.kwips.models import Kwip, Thanks
from tests.support.concurrency import at_once, uncommitted

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


def number(user: User) -> int:
    counted = thanks.of(user)
    assert counted is not None
    assert counted.is_counted
    return counted.number


def test_the_number_follows_each_favourite_and_each_deletion(
    ann: User, bob: User, publish: Publish, comment: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thanks, "BATCH", 2)
    kwips = [publish(ann) for _ in range(4)]
    reply = comment(ann, publish(bob))
    for kwip in (*kwips, reply):
        actions.favourite(kwip=kwip, user=bob)
    thanks.show(user=ann)
    actions.unfavourite(kwip=kwips[0], user=bob)
    assert thanks.count.func(ann.pk) == 2
    assert number(ann) == 4
    actions.favourite(kwip=kwips[0], user=bob)
    actions.favourite(kwip=kwips[0], user=bob)
    actions.favourite(kwip=kwips[0], user=ann)
    later = publish(ann)
    actions.favourite(kwip=later, user=bob)
    assert number(ann) == 7
    actions.delete(kwip=kwips[0])
    actions.delete(kwip=reply)
    actions.unfavourite(kwip=later, user=bob)
    assert number(ann) == 3
    assert thanks.count.func(ann.pk) == 0


def test_favourites_and_a_deletion_while_it_is_counted_are_counted_once(
    ann: User, bob: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thanks, "BATCH", 2)
    kwips = [publish(ann) for _ in range(6)]
    for kwip in kwips:
        actions.favourite(kwip=kwip, user=bob)
    thanks.show(user=ann)
    assert thanks._count_batch(ann.pk) is True
    for kwip in (kwips[0], kwips[5]):
        actions.favourite(kwip=kwip, user=ann)
    for kwip in (kwips[1], kwips[4]):
        actions.delete(kwip=kwip)
    thanks.count.func(ann.pk)
    assert number(ann) == 6


@pytest.mark.django_db(transaction=True)
def test_a_favourite_that_began_before_the_row_was_there_is_waited_for(
    ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(ann)
    with ThreadPoolExecutor(1) as pool:
        with uncommitted():
            actions.favourite(kwip=kwip, user=bob)

            def counts() -> None:
                thanks.show(user=ann)
                thanks.count.func(ann.pk)
                connections.close_all()

            counting = pool.submit(counts)
            while not is_someone_waiting():
                assert not counting.done()
        counting.result()
    assert number(ann) == 1


def is_someone_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_many_favourites_at_once_and_the_command_agree(
    ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thanks, "BATCH", 1)
    kwips = [publish(ann) for _ in range(6)]
    fans = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(3)]
    thanks.show(user=ann)

    def likes(fan: User) -> None:
        for kwip in kwips:
            actions.favourite(kwip=kwip, user=fan)

    def deletes() -> None:
        actions.delete(kwip=kwips[3])

    def likes_what_is_left(fan: User) -> Callable[[], None]:
        def run() -> None:
            try:
                likes(fan)
            except actions.Gone:
                for kwip in kwips[4:]:
                    actions.favourite(kwip=kwip, user=fan)

        return run

    at_once([*(likes_what_is_left(fan) for fan in fans), deletes, lambda: thanks.count.func(ann.pk)])
    thanks.count.func(ann.pk)
    favourites = Kwip.objects.filter(author=ann).aggregate(n=Sum("favourites_count"))["n"]
    assert number(ann) == favourites == 15


def test_only_who_asked_sees_the_number_and_only_their_own(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    actions.favourite(kwip=publish(ann), user=bob)
    words = "favourite for what you wrote"
    client.force_login(ann)
    assert words not in client.get("/ann/").content.decode()
    assert client.post("/settings/favourites/", {"shows": "on"}).status_code == 302
    assert client.post("/settings/favourites/", {"shows": "on"}).status_code == 302
    assert Command.objects.filter(task=thanks.count.module_path).count() == 1
    assert "we are counting" in client.get("/ann/").content.decode()
    thanks.count.func(ann.pk)
    for path in ("/ann/", "/settings/favourites/"):
        assert f"1 {words}" in client.get(path).content.decode()
    for other in (bob, None):
        reader = Client()
        if other:
            reader.force_login(other)
        assert words not in reader.get("/ann/").content.decode()
    client.post("/settings/favourites/", {})
    assert not Thanks.objects.exists()
    assert words not in client.get("/ann/").content.decode()


def test_forms_that_are_sent_again_change_nothing(ann: User) -> None:
    thanks.hide(user=ann)
    assert thanks.count.func(ann.pk) == 0
