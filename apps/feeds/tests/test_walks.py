"""A walk of the pages by activity, while kwips are written, commented, deleted and hidden.

Of what the viewer may see throughout, each kwip is shown once on the way, or it has moved since the walk
began and is among the newly active ones. The model is the order of all kwips, read without pages.
"""

import datetime
import os
import re
import uuid
from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import parse_qsl

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import User
from apps.feeds import queries, unseen
from apps.feeds.queries import ACTIVE, Timeline
from apps.feeds.statements import Entry
from apps.graph.models import Block, Follow, Mute
from apps.keyset import Key, KeysetOrder, Page, encode, moving, timestamp
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.support.concurrency import at_once, uncommitted

TORTURE = os.environ.get("TORTURE") == "1"
READER, AUTHORS = 1, (2, 3, 4)
SECOND = datetime.timedelta(seconds=1)
LATEST = 9  # seconds from a key to its commit, at most

# How many followees have plan 1, and how many kwips this reads.
PLANS = {"by people": (200, 2_000), "by a window": (0, 2_000), "by a small window": (0, 3)}
LISTS: dict[str, Callable[[], Timeline]] = {
    "everyone": lambda: queries.everyone(viewer_id=READER, sort=ACTIVE),
    "person": lambda: queries.person(viewer_id=READER, person_id=AUTHORS[0], sort=ACTIVE),
    "network": lambda: queries.network(viewer_id=READER, following_count=2, sort=ACTIVE),
}
FOLLOWED = AUTHORS[:2]

steps = st.lists(
    st.sampled_from(
        ["older"] * 6
        + ["newer"] * 4
        + ["bump"] * 6
        + ["late bump"] * 3
        + ["news", "publish", "uncomment", "delete", "block", "mute", "first"]
    ),
    min_size=4,
    max_size=40,
)


class Walk:
    """Pages in one direction: what they have shown, and what they have still to show."""

    def __init__(self, name: str, limit: int) -> None:
        self.timeline, self.name, self.limit = LISTS[name](), name, limit
        self.begin()

    def begin(self) -> None:
        """A new walk."""
        self.turn("older", self.page_at(""))

    def visible(self) -> list[Kwip]:
        """What the viewer sees, without pages."""
        hidden = {*Block.objects.values_list("blocked_id", flat=True)}
        if self.name != "person":
            hidden |= {*Mute.objects.values_list("muted_id", flat=True)}
        authors = {"everyone": AUTHORS, "person": AUTHORS[:1], "network": FOLLOWED}[self.name]
        kwips = Kwip.objects.filter(thread=None, author__in=set(authors) - hidden)
        return list(kwips.order_by("-last_active_at", "-pk"))

    def page_at(self, query: str) -> Page[Entry]:
        return self.timeline.page(dict(parse_qsl(query.removeprefix("?"))), limit=self.limit)

    def turn(self, direction: str, page: Page[Entry]) -> None:
        """From here on in this direction; the page counts as shown."""
        self.direction, self.page = direction, page
        self.shown = {entry.id for entry in page}
        self.news = unseen.watch_cursor(self.timeline, page)
        keys = [self.timeline.order.position_of(entry) for entry in page]
        places = {kwip.pk: (kwip.last_active_at, kwip.pk) for kwip in self.visible()}
        if direction == "older":
            self.expected = {pk for pk, place in places.items() if keys and place < keys[-1]}
        else:
            self.expected = {pk for pk, place in places.items() if keys and place > keys[0]}

    def step(self, direction: str) -> None:
        if direction != self.direction:
            self.turn(direction, self.page)
        if not (query := getattr(self.page, direction)):
            return
        page = self.page_at(query)
        ids = [entry.id for entry in page]
        assert len(set(ids)) == len(ids)
        if direction == "newer" and page.is_first:
            self.leads_to_a_new_walk()
            self.end(set(ids))
            self.turn("older", page)
            return
        assert not self.shown & set(ids), "a kwip is shown twice"
        self.shown |= set(ids)
        self.page = page
        if "=" not in getattr(page, direction).replace("sort=", ""):  # no page of this walk
            self.end(set())

    def leads_to_a_new_walk(self) -> None:
        """A first page on the way back may repeat kwips: of those above it all moved, or none."""
        order, as_of = self.timeline.order, self.page.as_of
        top = order.position_of(self.page.items[0]) if self.page else order.start
        above = [k.last_active_at for k in self.visible() if (k.last_active_at, k.pk) > top]
        assert as_of
        assert len({at > as_of for at in above}) <= 1, "kwips of the walk are among those that moved"

    def end(self, first_page: set[int]) -> None:
        """All pages in this direction have been shown."""
        missing = self.expected - self.shown - first_page
        moved = {entry.id for entry in unseen.entries_since(self.timeline, self.news).items}
        assert missing <= moved, "a kwip is neither shown nor newly active"
        # With late commits the number is too small if a kwip on the page was deleted.
        if not moving.COMMITTED_AFTER:
            assert unseen.since(self.timeline, self.news).count >= min(len(missing), unseen.MOST)

    def see_news(self) -> None:
        """What the line brings stands above the page, and the next line begins there."""
        new = unseen.entries_since(self.timeline, self.news)
        ids = [entry.id for entry in new.items]
        assert ids == [kwip.pk for kwip in self.visible()][: len(ids)]
        assert not unseen.since(self.timeline, new.cursor).count


def act(step: str, data: st.DataObject, *, has_late: bool) -> set[int]:
    """Does it by the real action. Returns the kwips that the reader does not see throughout."""
    kwips = list(Kwip.objects.filter(thread=None).order_by("pk"))
    someone = User.objects.get(pk=data.draw(st.sampled_from(AUTHORS)))
    if step == "publish":
        return {actions.publish(author=someone, text="tea", form_key=uuid.uuid4()).kwip.pk}
    if step == "block":
        Block.objects.get_or_create(blocker_id=READER, blocked_id=someone.pk)
    if step == "mute":
        Mute.objects.get_or_create(muter_id=READER, muted_id=someone.pk)
    if step in ("block", "mute"):
        return {kwip.pk for kwip in kwips if kwip.author_id == someone.pk}
    comments = list(Kwip.objects.exclude(thread=None).order_by("pk"))
    chosen = comments if step == "uncomment" else kwips
    if not chosen:
        return set()
    kwip = data.draw(st.sampled_from(chosen))
    if step in ("delete", "uncomment"):
        actions.delete(kwip=kwip)
        return {kwip.pk}
    before = kwip.last_active_at
    actions.comment(author=someone, thread=kwip, text="more", form_key=uuid.uuid4())
    if step == "late bump" and has_late:
        # As if the transaction had been open for so long.
        ago = data.draw(st.integers(0, LATEST)) * SECOND
        key = max(before, timezone.now() - ago)
        Kwip.objects.filter(pk=kwip.pk).update(last_active_at=key)
    return set()


class WalkTests(TestCase):
    @settings(
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        max_examples=3_000 if TORTURE else 40,
    )
    @given(
        st.sampled_from(sorted(LISTS)),
        st.sampled_from(sorted(PLANS)),
        st.integers(1, 4),
        st.lists(st.tuples(st.sampled_from(AUTHORS), st.integers(0, 12)), max_size=14),
        st.booleans(),
        steps,
        st.data(),
    )
    def test_no_kwip_is_shown_twice_or_left_out(
        self,
        name: str,
        plan: str,
        limit: int,
        seeds: list[tuple[int, int]],
        has_late: bool,
        does: list[str],
        data: st.DataObject,
    ) -> None:
        User.objects.bulk_create(
            User(pk=pk, username=f"person{pk}", email=f"{pk}@example.org", kwips_count=99)
            for pk in (READER, *AUTHORS)
        )
        Follow.objects.bulk_create(Follow(follower_id=READER, followee_id=pk) for pk in FOLLOWED)
        # Some of them within the seconds in which a late commit may come.
        now = timezone.now()
        Kwip.objects.bulk_create(
            Kwip(author_id=author, text="tea", last_active_at=now - 5 * ago * SECOND) for author, ago in seeds
        )
        few, window = PLANS[plan]
        margin = moving.COMMITTED_AFTER if has_late else 0 * SECOND
        with (
            patch.multiple(queries, FEW_FOLLOWEES=few, WINDOW=window),
            patch.object(moving, "COMMITTED_AFTER", margin),
        ):
            walk = Walk(name, limit)
            for step in does:
                if step in ("older", "newer"):
                    walk.step(step)
                elif step == "first":
                    walk.begin()
                elif step == "news":
                    walk.see_news()
                else:
                    walk.expected -= act(step, data, has_late=has_late)
            for direction in ("older", "newer"):
                while getattr(walk.page, direction):
                    walk.step(direction)
                    if walk.page.is_first:
                        break


@pytest.mark.django_db(transaction=True)
def test_a_comment_that_commits_after_a_later_one_was_shown_is_newly_active() -> None:
    """Its key is below that of the first page, and above the pages that were shown meanwhile."""
    author, other = (User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob"))
    made = [actions.publish(author=author, text="tea", form_key=uuid.uuid4()).kwip for _ in range(4)]
    Kwip.objects.update(last_active_at=F("last_active_at") - 60 * SECOND)
    late, *_, first = made
    timeline = queries.everyone(viewer_id=None, sort=ACTIVE)

    def walk() -> list[Page[Entry]]:
        actions.comment(author=first.author, thread=first, text="more", form_key=uuid.uuid4())
        pages = [timeline.page({}, limit=1)]
        pages.append(timeline.page(dict(parse_qsl(pages[0].older[1:])), limit=1))
        return pages

    with uncommitted():
        actions.comment(author=other, thread=late, text="more", form_key=uuid.uuid4())
        [pages] = at_once([walk])
    while pages[-1].older:
        pages.append(timeline.page(dict(parse_qsl(pages[-1].older[1:])), limit=1))
    assert [entry.id for page in pages for entry in page] == [kwip.pk for kwip in made[:0:-1]]
    news = unseen.watch_cursor(timeline, pages[0])
    assert unseen.since(timeline, news).label == "1 newly active kwip"
    assert [entry.id for entry in unseen.entries_since(timeline, news).items] == [first.pk, late.pk]


def quiet(author: User, number: int) -> list[Kwip]:
    """Kwips whose last activity was a minute ago, the newest first."""
    at = timezone.now() - 60 * SECOND
    made = [Kwip(author=author, text="tea", last_active_at=at + n * SECOND / 10) for n in range(number)]
    return Kwip.objects.bulk_create(made)[::-1]


def bump(kwip: Kwip) -> None:
    actions.comment(author=kwip.author, thread=kwip, text="more", form_key=uuid.uuid4())


@pytest.mark.django_db
def test_a_newly_active_kwip_counts_whatever_was_deleted(ann: User) -> None:
    old = quiet(ann, 4)
    timeline = queries.everyone(viewer_id=None, sort=ACTIVE)
    new = actions.publish(author=ann, text="milk", form_key=uuid.uuid4()).kwip
    news = unseen.watch_cursor(timeline, timeline.page({}))
    assert unseen.since(timeline, news).label == ""
    actions.delete(kwip=new)
    bump(old[3])
    assert unseen.since(timeline, news).label == "1 newly active kwip"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/everyone/"])
def test_each_page_by_activity_counts_what_moved_since_the_walk_began(
    client: Client, ann: User, bob: User, follow: Callable[..., None], path: str
) -> None:
    kwips = quiet(ann, 45)
    follow(bob, ann)
    client.force_login(bob)
    pages = [client.get(f"{path}?sort=active")]
    while older := pages[-1].context["page"].older:
        pages.append(client.get(path + older))
    assert len(pages) == 3
    places = (0, 30, 44)
    for number, place in enumerate(places, start=1):
        bump(kwips[place])
        for page in pages:
            news = page.context["news"]
            assert client.get(news).json()["count"] == number
    part = client.get(f"{news}&part=list").content.decode()
    assert [int(found) for found in re.findall(r'<article id="kwip-(\d+)"', part)] == [
        kwips[place].pk for place in places[::-1]
    ]
    [address] = re.findall(r'data-news="([^"]+)"', part)
    assert client.get(address.replace("&amp;", "&")).json()["count"] == 0


@pytest.mark.django_db
def test_a_cursor_of_an_earlier_release_leads_on(client: Client, ann: User) -> None:
    seven = quiet(ann, 7)
    order = KeysetOrder("everyone, active", keys=(timestamp("last_active_at"), Key("id")))
    place = (seven[2].last_active_at, seven[2].pk)
    older = client.get(f"/everyone/?sort=active&before={encode(order, place)}").context["page"]
    assert len(older) == 4
    bump(seven[1])
    newer = client.get(f"/everyone/{older.newer}").content.decode()
    assert [int(found) for found in re.findall(r'<article id="kwip-(\d+)"', newer)] == [
        kwip.pk for kwip in (seven[0], seven[2])
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("happens", ["commented", "deleted"])
def test_a_page_goes_on_where_the_last_one_ended_whatever_happens_to_its_last_kwip(
    ann: User, happens: str
) -> None:
    kwips = quiet(ann, 6)
    timeline = queries.everyone(viewer_id=None, sort=ACTIVE)
    first = timeline.page({}, limit=2)
    if happens == "commented":
        bump(kwips[1])
    else:
        User.objects.update(kwips_count=len(kwips))
        actions.delete(kwip=kwips[1])
    second = timeline.page(dict(parse_qsl(first.older[1:])), limit=2)
    assert [entry.id for entry in second] == [kwips[2].pk, kwips[3].pk]


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(LISTS))
def test_kwips_of_one_moment_are_on_one_page_each_the_newest_first(name: str) -> None:
    people = User.objects.bulk_create(
        User(pk=pk, username=f"person{pk}", email=f"{pk}@example.org") for pk in (READER, *FOLLOWED)
    )
    Follow.objects.bulk_create(Follow(follower_id=READER, followee_id=pk) for pk in FOLLOWED)
    kwips = quiet(people[1], 7)
    Kwip.objects.update(last_active_at=kwips[0].last_active_at)
    timeline = LISTS[name]()
    pages = [timeline.page({}, limit=2)]
    while pages[-1].older:
        pages.append(timeline.page(dict(parse_qsl(pages[-1].older[1:])), limit=2))
    back = [pages[-1]]
    while back[-1].newer:
        back.append(timeline.page(dict(parse_qsl(back[-1].newer[1:])), limit=2))
    for walk in (pages, back[::-1]):
        assert [entry.id for page in walk for entry in page] == [kwip.pk for kwip in kwips]
