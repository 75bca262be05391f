"""No order of writes, commits and reads changes what page 1 of a network shows."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.feeds import first_pages
from apps.feeds.statements import SQL
from apps.feeds.tests.kept_network import other_connection, write
from apps.graph import actions as graph
from apps.kwips import sharing
from apps.kwips.models import Kwip, Share

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

type Publish = Callable[..., Kwip]
WRITERS = {"first": 2, "second": 2, "restore": 2}


def orders(left: dict[str, int]) -> Iterator[list[str]]:
    """Every order of the steps of the writers."""
    if not left:
        yield []
    for name in left:
        rest = {other: count - (other == name) for other, count in left.items()}
        for order in orders({other: count for other, count in rest.items() if count}):
            yield [name, *order]


# Which steps are followed by a read of the page.
READS = {"each": 0b111111, "every second": 0b101010, "the others": 0b010101}


@pytest.mark.parametrize("renewed_after", [-1, 1])
@pytest.mark.parametrize("reads", READS.values(), ids=READS)
def test_no_order_of_writes_and_commits_hides_a_kwip_that_is_committed(
    network, ann, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch, reads: int, renewed_after: int
) -> None:
    """Two writers of kwips and a restored author, each with a write and a commit, and a reader in between."""
    monkeypatch.setattr(first_pages, "RENEWED_AFTER", renewed_after)
    eve = User.objects.create_user("eve", "eve@example.org")
    graph.follow(follower=ann, followee=eve)
    publish(eve)
    with contextlib.ExitStack() as stack:
        cursors = {name: stack.enter_context(other_connection()) for name in WRITERS}
        for order in orders(WRITERS):
            Kwip.objects.exclude(author=eve).delete()
            accounts.switch_off(people=[eve], by=None)
            network.ids()
            begun: set[str] = set()
            for number, name in enumerate(order):
                cursor = cursors[name]
                if name in begun:
                    cursor.connection.commit()
                elif name == "restore":
                    restore(cursor, eve)
                else:
                    write(cursor, ann if name == "first" else bob)
                begun.add(name)
                if reads >> number & 1:
                    network.ids()  # compares with the plans
            assert len(network.ids()) == 3, order


@pytest.mark.parametrize("reads", READS.values(), ids=READS)
def test_no_order_of_shares_and_commits_hides_or_repeats_a_kwip(
    network, ann, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    """Two people share a kwip of a third, and one takes an older share back, with a reader in between."""
    monkeypatch.setattr(first_pages, "RENEWED_AFTER", 1)
    eve, dan, gus = (User.objects.create_user(name, f"{name}@example.org") for name in ("eve", "dan", "gus"))
    for followee in (dan, gus):
        graph.follow(follower=ann, followee=followee)
    kwip = publish(eve)
    with contextlib.ExitStack() as stack:
        cursors = {name: stack.enter_context(other_connection()) for name in WRITES}
        for order in orders({"first": 2, "second": 2, "take back": 2}):
            Share.objects.all().delete()
            publish(eve)
            sharing.share(kwip=kwip, user=gus)
            network.ids()
            begun: set[str] = set()
            for number, name in enumerate(order):
                cursor = cursors[name]
                if name in begun:
                    cursor.connection.commit()
                else:
                    WRITES[name](cursor, {"first": bob, "second": dan}.get(name, gus), kwip)
                begun.add(name)
                if reads >> number & 1:
                    network.ids()  # compares with the plans
            [place] = network.ids()
            earliest = Share.objects.order_by("pk").first()
            assert earliest is not None
            assert place == earliest.pk, order


def share_unlocked(cursor: Any, sharer: User, kwip: Kwip) -> int:
    """A share as a later version might write it, without its kwip's lock: so that two of them overlap."""
    cursor.execute("SELECT pg_current_xact_id()")
    cursor.execute(
        "INSERT INTO kwips_share (id, sharer_id, kwip_id, author_id)"
        " VALUES (nextval('kwips_kwip_id_seq'), %s, %s, %s)",
        [sharer.pk, kwip.pk, kwip.author_id],
    )
    return 0


def take_back(cursor: Any, sharer: User, kwip: Kwip) -> int:
    cursor.execute("DELETE FROM kwips_share WHERE sharer_id = %s AND kwip_id = %s", [sharer.pk, kwip.pk])
    return 0


WRITES = {"first": share_unlocked, "second": share_unlocked, "take back": take_back}


def restore(cursor: Any, person: User) -> None:
    """What `switch_on` writes."""
    cursor.execute("UPDATE accounts_user SET is_active = true WHERE id = %s", [person.pk])
    cursor.execute("UPDATE kwips_kwip SET withheld = 0 WHERE author_id = %s", [person.pk])
    cursor.execute(SQL.load("count_restoration").text)
