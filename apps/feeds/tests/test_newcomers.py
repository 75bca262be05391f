"""New people on everyone's page: who is on the list, for whom, and exactly after each change."""

import datetime
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import names
from apps.accounts.actions import change_profile, switch_off, switch_on
from apps.accounts.models import User
from apps.feeds.newcomers import DAYS, SHOWN, newcomers
from apps.graph.models import Block, Mute
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]
type Publish = Callable[..., Kwip]


def listed(viewer: User | None = None) -> list[str]:
    return [person.username for person in newcomers(viewer.pk if viewer else None)]


def test_the_list_has_the_newest_who_wrote_for_everyone_and_links_to_their_first_kwip(
    ann: User, bob: User, publish: Publish
) -> None:
    first = publish(ann, "hello")
    publish(ann, "again")
    publish(bob, "hush", followers_only=True)
    page = Client().get("/everyone/").content.decode()
    assert re.findall(r'href="(\S+)#comment"', page) == [f"/ann/kwip/{first.pk}/"]
    assert listed() == ["ann"]
    publish(bob, "loud")
    assert listed() == ["bob", "ann"]


def test_the_list_is_short_recent_and_read_from_the_cache(ann: User, publish: Publish) -> None:
    people = [User.objects.create_user(f"new{n}", f"new{n}@example.org") for n in range(SHOWN + 2)]
    for person in people:
        publish(person)
    assert listed() == [person.username for person in reversed(people[2:])]
    with CaptureQueriesContext(connection) as captured:
        listed()
    assert len(captured) == 0
    User.objects.update(joined_at=F("joined_at") - datetime.timedelta(days=DAYS, seconds=1))
    change_profile(user=ann, display_name="Ann", bio="")
    assert listed() == []
    assert "newcomers" not in Client().get("/everyone/").content.decode()


def test_each_change_is_on_the_list_at_once(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(ann)
    publish(bob)
    assert listed() == ["bob", "ann"]
    switch_off(people=[bob], by=None)
    assert listed() == ["ann"]
    switch_on(people=[bob], by=None)
    assert listed() == ["bob", "ann"]
    names.rename(user_id=ann.pk, username="anna")
    assert listed() == ["bob", "anna"]
    change_profile(user=ann, display_name="Ann of Tea", bio="")
    assert newcomers(None)[1].name == "Ann of Tea"
    actions.delete(kwip=kwip)
    assert listed() == ["bob"]


def test_a_viewer_sees_neither_themselves_nor_whom_they_blocked_or_muted(
    ann: User, bob: User, publish: Publish
) -> None:
    cee, dee = (User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee"))
    for person in (ann, bob, cee, dee):
        publish(person)
    Block.objects.create(blocker=ann, blocked=bob)
    Mute.objects.create(muter=ann, muted=cee)
    assert listed(ann) == ["dee"]
    assert listed(bob) == ["dee", "cee"], "a block counts both ways"
    assert listed(cee) == ["dee", "bob", "ann"], "a mute one way"
    assert listed() == ["dee", "cee", "bob", "ann"]


def test_older_pages_have_no_list(ann: User, publish: Publish) -> None:
    for _ in range(25):
        publish(ann)
    page = Client().get("/everyone/").content.decode()
    older = re.search(r'href="(/everyone/\?before=[^"]+)"', page) or re.search(
        r'href="(\?before=[^"]+)"', page
    )
    assert older
    assert "newcomers" in page
    assert (
        "newcomers"
        not in Client().get(older[1] if older[1][0] == "/" else f"/everyone/{older[1]}").content.decode()
    )
