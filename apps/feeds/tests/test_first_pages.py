"""The kept first page of a network: what makes it anew, and that it never changes what a page shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps import lookaside
from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.feeds import first_pages, queries
from apps.feeds.keys import network_first_page
from apps.feeds.statements import SQL
from apps.feeds.tests.kept_network import KEPT, PLANS, forget, other_connection, renewed, write
from apps.graph import actions as graph
from apps.graph.models import Block, Mute
from apps.keyset import Seek
from apps.kwips import actions, sharing, withholding
from apps.kwips.models import Kwip, Share
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options
from deploy.local.memcached import Memcached

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

type Publish = Callable[..., Kwip]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no other test used this PostgreSQL: any open transaction delays a floor."""
    horizon = first_pages._horizon
    monkeypatch.setattr(first_pages, "_horizon", lambda viewer: horizon(viewer)._replace(oldest_xid=2**62))


def test_a_page_read_again_is_the_kept_one_and_what_is_newer(network, bob, publish: Publish) -> None:
    old = [publish(bob).pk for _ in range(30)]
    assert network.read() <= PLANS
    assert network.read() == KEPT
    new = publish(bob).pk
    assert network.ids() == [new, *old[:-20:-1]]
    assert network.files == KEPT


def test_where_plan_1_fills_the_page_none_is_kept_until_it_does_not(
    network, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "WINDOW", 30)
    for _ in range(30):
        publish(bob)
    for _ in range(3):
        assert network.read() == {"network_window"}
    monkeypatch.setattr(queries, "WINDOW", 1)
    assert network.read() == PLANS
    assert network.read() == KEPT


def test_a_network_that_is_all_on_the_page_is_kept_too(network, bob, publish: Publish) -> None:
    only = publish(bob).pk
    assert renewed(network) == [only]
    new = publish(bob).pk
    assert network.ids() == [new, only]
    assert network.files == KEPT


@pytest.mark.usefixtures("alone")
def test_a_page_from_which_a_kwip_vanished_is_read_anew(network, bob, publish: Publish) -> None:
    kwips = [publish(bob) for _ in range(30)]
    renewed(network)
    actions.delete(kwip=kwips[-3])
    assert network.read() >= PLANS - {"network_people"}
    assert network.read() == KEPT


def follows(viewer: User, other: User) -> None:
    graph.follow(follower=viewer, followee=other)


def unmutes(viewer: User, other: User) -> None:
    Mute.objects.filter(muter=viewer).delete()


def unblocks(viewer: User, other: User) -> None:
    Block.objects.all().delete()


def restored(viewer: User, other: User) -> None:
    accounts.switch_on(people=[other], by=None)


def saved(viewer: User, other: User) -> None:
    """An operator sets the mark in the admin."""
    person = User.objects.get(pk=other.pk)
    person.is_active = True
    person.save()


def hides(viewer: User, other: User, by: str) -> None:
    if by != "no follow":
        graph.follow(follower=viewer, followee=other)
    match by:
        case "a mute":
            Mute.objects.create(muter=viewer, muted=other)
        case "a block":
            Block.objects.create(blocker=other, blocked=viewer)
        case "a block of one's own":
            Block.objects.create(blocker=viewer, blocked=other)
        case "a switch":
            accounts.switch_off(people=[other], by=None)


@pytest.mark.parametrize(
    ("by", "shows"),
    [
        ("no follow", follows),
        ("a mute", unmutes),
        ("a block", unblocks),
        ("a block of one's own", unblocks),
        ("a switch", restored),
        ("a switch", saved),
    ],
)
def test_an_older_kwip_that_becomes_visible_is_on_the_page_at_once(
    network, ann, bob, publish: Publish, by: str, shows: Callable[[User, User], None]
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    older = publish(eve).pk
    seen = publish(bob).pk
    hides(ann, eve, by)
    assert renewed(network) == [seen]
    shows(ann, eve)
    assert network.ids() == [seen, older]
    assert network.ids() == [seen, older]
    assert network.files == KEPT


def test_kwips_that_the_command_restores_later_are_on_the_page_then(
    network, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withholding, "AT_ONCE", 1)
    kwips = [publish(bob).pk for _ in range(3)]
    accounts.switch_off(people=[bob], by=None)
    withholding.align.call(bob.pk)
    accounts.switch_on(people=[bob], by=None)
    assert renewed(network) == [kwips[2]]
    withholding.align.call(bob.pk)
    assert network.ids() == kwips[::-1]


def test_what_is_hidden_is_gone_from_the_page_at_once(network, ann, bob, publish: Publish) -> None:
    publish(bob)
    own = publish(ann).pk
    renewed(network)
    mute = Mute.objects.create(muter=ann, muted=bob)
    assert network.ids() == [own]
    mute.delete()
    renewed(network)
    graph.unfollow(follower=ann, followee=bob)
    assert network.ids() == [own]


@pytest.fixture
def shared(ann: User, bob: User, publish: Publish) -> dict[str, User]:
    """bob and dan, whom ann follows, share a kwip of eve: dan after bob, with a kwip of bob between."""
    eve, dan = (User.objects.create_user(name, f"{name}@example.org") for name in ("eve", "dan"))
    graph.follow(follower=ann, followee=dan)
    kwip = publish(eve)
    sharing.share(kwip=kwip, user=bob)
    for _ in range(3):
        publish(bob)
    sharing.share(kwip=kwip, user=dan)
    return {"bob": bob, "dan": dan, "eve": eve}


def place_of(sharer: User) -> int:
    return Share.objects.get(sharer=sharer).pk


@pytest.mark.parametrize("how", ["take back", "unfollow", "mute", "switch off"])
def test_a_share_that_was_hidden_behind_an_earlier_one_appears_at_once(
    network, ann, shared: dict[str, User], how: str
) -> None:
    bob, dan = shared["bob"], shared["dan"]
    before = renewed(network)
    assert place_of(bob) in before
    assert place_of(dan) not in before
    match how:
        case "take back":
            sharing.unshare(kwip=Kwip.objects.get(author=shared["eve"]), user=bob)
        case "unfollow":
            graph.unfollow(follower=ann, followee=bob)
        case "mute":
            Mute.objects.create(muter=ann, muted=bob)
        case "switch off":
            accounts.switch_off(people=[bob], by=None)
    assert place_of(dan) in network.ids()


@pytest.mark.usefixtures("alone")
def test_hidden_shares_stay_kept_when_the_page_is_kept_anew(
    network, ann, bob, shared: dict[str, User], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_pages, "RENEWED_AFTER", 0)
    kwip = Kwip.objects.get(author=shared["eve"])
    renewed(network)
    for _ in range(3):
        publish(ann)
        assert network.files >= KEPT
        network.ids()
    sharing.unshare(kwip=kwip, user=bob)
    assert place_of(shared["dan"]) in network.ids()


@pytest.mark.usefixtures("alone")
def test_among_too_many_shares_no_page_is_kept(
    network, ann, bob, shared: dict[str, User], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_pages, "SHARES", -16)  # of 21: five
    assert network.read() <= PLANS
    for _ in range(3):
        sharing.share(kwip=publish(shared["eve"]), user=bob)
    for _ in range(3):
        assert network.read() <= PLANS


@pytest.mark.usefixtures("alone")
def test_more_newer_kwips_than_a_page_joins_are_read_anew(
    network, ann, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_pages, "NEWER", 3)
    monkeypatch.setattr(first_pages, "RENEWED_AFTER", 3)
    eve = User.objects.create_user("eve", "eve@example.org")
    old = publish(bob).pk
    renewed(network)
    for _ in range(3):
        publish(eve)
    assert network.ids() == [old]
    assert network.files == KEPT
    new = publish(bob).pk
    for _ in range(4):
        publish(eve)
    assert network.ids() == [new, old]
    assert network.files > KEPT
    assert network.read() == KEPT


@pytest.mark.usefixtures("alone")
def test_a_page_is_kept_anew_before_it_has_too_many_newer_kwips(
    network, bob, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_pages, "NEWER", 6)
    monkeypatch.setattr(first_pages, "RENEWED_AFTER", 3)
    publish(bob)
    renewed(network)
    for _ in range(25):
        publish(bob)
        publish(bob)
        assert "network_people" not in network.read()


@pytest.mark.parametrize("renewals", [0, 1, 3])
def test_a_kwip_that_commits_late_is_on_the_page_however_long_it_took(
    network, ann, bob, publish: Publish, renewals: int
) -> None:
    first = publish(ann)
    renewed(network)
    with other_connection() as cursor:
        late = write(cursor, bob)
        newer = publish(ann).pk
        for _ in range(renewals):
            forget(network)
            assert network.ids() == [newer, first.pk]
        assert network.ids() == [newer, first.pk]
        cursor.connection.commit()
    assert network.ids() == [newer, late, first.pk]
    assert renewed(network) == [newer, late, first.pk]


def test_the_next_transaction_id_is_above_those_of_open_transactions(ann: User) -> None:
    """A snapshot's own limit is not: it follows the last transaction that ended."""
    with other_connection() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        [opened] = cursor.fetchone()
        horizon = first_pages._horizon(ann.pk)
        assert horizon.oldest_xid <= opened < horizon.next_xid


def test_without_memcached_the_plans_read_each_page(
    network, bob, publish: Publish, memcached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bob)
    server = Memcached(Path(memcached.removeprefix("unix:")).parent, name="first_pages")
    server.start()
    cache = lookaside.cache()
    monkeypatch.setattr(cache, "store", MemcachedStore([server.address], Options()))
    try:
        for _ in range(2):
            assert network.read() <= PLANS
            assert network.read() == KEPT
            cache.clear()  # as if everything was evicted
    finally:
        server.stop()
    for _ in range(3):
        assert network.read() <= PLANS


@pytest.mark.parametrize("changed", ["NETWORK_FIRST_PAGES", "CACHES"])
def test_switched_off_nothing_is_kept(network, bob, publish: Publish, settings: Any, changed: str) -> None:
    off = {"BACKEND": "apps.lookaside.backends.NoLookaside"}
    setattr(settings, changed, False if changed != "CACHES" else settings.CACHES | {"lookaside": off})
    publish(bob)
    for _ in range(3):
        assert network.read() <= PLANS


def test_few_followees_other_pages_and_other_orders_keep_nothing(network, ann, bob, publish: Publish) -> None:
    for _ in range(30):
        publish(bob)
    key = network_first_page(ann.pk)
    few = queries.network(viewer_id=ann.pk, following_count=queries.FEW_FOLLOWEES)
    many = queries.network(viewer_id=ann.pk, following_count=queries.FEW_FOLLOWEES + 1)
    by_activity = queries.network(
        viewer_id=ann.pk, following_count=queries.FEW_FOLLOWEES + 1, sort=queries.ACTIVE
    )
    older = few.page({}).older.removeprefix("?before=")
    for timeline, arguments in ((few, {}), (by_activity, {}), (many, {"before": older})):
        timeline.page(arguments)
    many.fetch(Seek(many.order, many.order.start, backward=False, limit=500))
    assert lookaside.cache().get_or_compute(key, lambda: None, storable=bool) is None


def test_only_restorations_are_counted(ann, bob) -> None:
    def number() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {SQL.load('graph').text}", {"viewer": 0})
            return int(cursor.fetchone()[0].partition("/")[0])

    before = number()
    accounts.switch_off(people=[bob], by=None)
    ann.save()
    accounts.change_profile(user=ann, display_name="Ann", bio="")
    counted = number()
    accounts.switch_on(people=[bob], by=None)
    assert number() > counted >= before
