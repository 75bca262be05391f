"""Every timeline against its naive implementation, over random communities."""

from collections.abc import Iterable
from unittest.mock import patch
from urllib.parse import parse_qsl

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.feeds import first_pages, queries, unseen
from apps.feeds.queries import Timeline
from apps.feeds.statements import Entry
from apps.feeds.tests.random_communities import (
    NAMES,
    PEOPLE,
    STEP,
    Community,
    Written,
    change,
    communities,
    written,
)
from apps.keyset import Page, Seek

ANYONE = 0


def page(timeline: Timeline, query: str, limit: int) -> Page[Entry]:
    return timeline.page(dict(parse_qsl(query.removeprefix("?"))), limit=limit)


def place(entry: Entry) -> int:
    return entry.id if entry.place is None else entry.place


def ids(pages: Iterable[Iterable[Entry]]) -> list[int]:
    """The positions on the pages."""
    return [place(entry) for shown in pages for entry in shown]


def walked(timeline: Timeline, limit: int) -> tuple[list[Page[Entry]], list[Page[Entry]]]:
    """All pages from the first to the last, and from there back, in the order of the list."""
    onward = [page(timeline, "", limit)]
    while onward[-1].next:
        onward.append(page(timeline, onward[-1].next, limit))
    back = [onward[-1]]
    while back[-1].previous:
        back.append(page(timeline, back[-1].previous, limit))
    return onward, back[::-1]


# No time limit for examples.
randomly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TimelineTests(TestCase):
    @settings(randomly, max_examples=60)
    @given(
        communities(),
        st.sampled_from((ANYONE, *PEOPLE)),
        st.integers(1, 25),
        st.integers(2, 6),
        st.sampled_from((0, 2, 200)),
        st.integers(1, 12),
    )
    def test_every_timeline_shows_what_it_must_in_order_both_ways(
        self, community: Community, viewer: int, about: int, limit: int, few: int, window: int
    ) -> None:
        community.build()
        for name in NAMES:
            if viewer == ANYONE and name.startswith(("network", "bookmarks")):
                continue
            with patch.multiple(queries, FEW_FOLLOWEES=few, WINDOW=window):
                onward, back = walked(community.timeline(name, viewer, about), limit)
            assert ids(onward) == community.expected(name, viewer, about), name
            assert [ids([shown]) for shown in back] == [ids([shown]) for shown in onward], name

    @settings(randomly, max_examples=150)
    @given(
        communities(),
        st.sampled_from(PEOPLE),
        st.integers(1, 4),
        st.sampled_from((0, 200)),
        st.sampled_from(("", queries.ACTIVE)),
        st.integers(0, 3),
    )
    def test_both_plans_of_the_network_find_the_same(
        self, community: Community, viewer: int, limit: int, few: int, sort: str, pages: int
    ) -> None:
        community.build()
        name = f"network {sort}".strip()
        timeline = community.timeline(name, viewer, 1)
        with patch.multiple(queries, FEW_FOLLOWEES=few, WINDOW=2_000):
            shown = page(timeline, "", limit)
            for _ in range(pages):
                shown = page(timeline, shown.next, limit) if shown.next else shown
        expected = community.expected(name, viewer, 1)
        found = ids([shown])
        start = expected.index(found[0]) if found else 0
        assert found == expected[start : start + limit]

    @settings(randomly, max_examples=150)
    @given(communities(), st.sampled_from(PEOPLE), st.integers(1, 6), st.integers(0, 30), st.data())
    def test_a_kept_first_page_is_the_page_of_the_plans_or_is_not_used(
        self, community: Community, viewer: int, limit: int, steps: int, data: st.DataObject
    ) -> None:
        community.build()
        order = community.timeline("network", viewer, 1).order
        seek = Seek(order, order.start, backward=False, limit=limit)
        # The floor may be any id below which everything is committed: later kwips are above it.
        expected, floor = community.expected("network", viewer, 1), steps * STEP
        # With all shares of the network among them, as `renewed` reads them.
        people = {viewer, *(followee for follower, followee in community.follows if follower == viewer)}
        shares = {at for at, share in community.shares.items() if share.sharer in people}
        lowest = expected[limit - 1] - 1 if len(expected) >= limit else 0
        kept = first_pages.Kept(
            graph=first_pages._horizon(viewer).graph,
            floor=floor,
            ids=[place for place in {*expected[:limit], *shares} if lowest < place <= floor],
            is_all=len(expected) < limit,
            newest=0,
            next_xid=0,
        )
        for _ in range(data.draw(st.integers(0, 4))):
            change(community, data, above=max(floor, community.newest))
        with patch.object(first_pages, "NEWER", data.draw(st.sampled_from((2, 6, 200)))):
            shown, _ = first_pages.joined(seek, viewer, kept)
        assert shown is None or ids([shown]) == community.expected("network", viewer, 1)[:limit]

    @randomly
    @given(
        communities(),
        st.sampled_from(("everyone", "network", "person")),
        st.sampled_from(PEOPLE),
        st.integers(1, 3),
        st.integers(1, 12),
        st.lists(st.tuples(written(), st.sets(st.integers(0, 24), max_size=3)), max_size=6),
    )
    def test_what_stays_is_shown_once_while_others_publish_and_delete(
        self,
        community: Community,
        name: str,
        viewer: int,
        limit: int,
        window: int,
        meanwhile: list,
    ) -> None:
        community.build()
        before = set(community.expected(name, viewer, viewer))
        timeline = community.timeline(name, viewer, viewer)
        with patch.multiple(queries, FEW_FOLLOWEES=0, WINDOW=window):
            pages = [page(timeline, "", limit)]
            for place, (kwip, deleted) in enumerate(meanwhile):
                community.add((len(community.written) + place + 1) * STEP, kwip)
                for gone in deleted:
                    community.delete((gone + 1) * STEP)
                if pages[-1].next:
                    pages.append(page(timeline, pages[-1].next, limit))
            while pages[-1].next:
                pages.append(page(timeline, pages[-1].next, limit))
        shown = ids(pages)
        assert shown == sorted(set(shown), reverse=True)
        assert before & set(community.expected(name, viewer, viewer)) <= set(shown)

    @randomly
    @given(
        communities(), st.sampled_from(("everyone", "network", "news")), st.sampled_from(PEOPLE), st.data()
    )
    def test_new_kwips_are_counted_even_when_they_commit_out_of_order(
        self, community: Community, name: str, viewer: int, data: st.DataObject
    ) -> None:
        community.build()
        kind = name.replace("news", "network")
        with patch.multiple(queries, FEW_FOLLOWEES=0, WINDOW=data.draw(st.integers(1, 30))):
            timeline = community.timeline(name, viewer, 1)
            shown = page(timeline, "", data.draw(st.integers(1, 20)))
            cursor = unseen.watch_cursor(timeline, shown)
            before = community.expected(kind, viewer, 1)
            oldest = place(shown.items[-1]) if shown.older else 0
            newest = place(shown.items[0]) if shown else 0
            late = [i for i in range(oldest + 1, newest) if community.is_free(i)]
            later = [i for i in range(newest + 1, newest + 40) if community.is_free(i)]
            came = data.draw(st.sets(st.sampled_from(late), max_size=6)) if late else set()
            for kwip_id in came | data.draw(st.sets(st.sampled_from(later), max_size=25)):
                community.add(kwip_id, data.draw(written()))
            count = len(community.expected(kind, viewer, 1)) - len(before)
            new = unseen.since(timeline, cursor)
        assert (new.count, new.more) == (min(count, unseen.MOST), count > unseen.MOST)

    @randomly
    @given(
        communities(),
        st.sampled_from((ANYONE, *PEOPLE)),
        st.integers(1, 5),
        st.lists(st.sampled_from(PEOPLE), max_size=12),
    )
    def test_a_comment_is_on_the_page_that_its_address_leads_to(
        self, community: Community, viewer: int, limit: int, commenters: list[int]
    ) -> None:
        community.build()
        # A conversation and a comment that the viewer may see.
        author, place = viewer or 1, len(community.written)
        assume(author not in community.off)
        for number, person in enumerate([author, *commenters, author]):
            written = Written(person, None if number == 0 else place, False, 0, None)
            community.add((place + number + 1) * STEP, written)
        thread_id = (place + 1) * STEP
        comments = [k for k in community.kwips.values() if k.thread_id == thread_id]
        visible = [
            kwip.pk
            for kwip in comments
            if community.is_visible(kwip, viewer) and community.is_heard(kwip, viewer, inside=True)
        ]
        assert visible
        timeline = queries.conversation(viewer_id=viewer or None, thread_id=thread_id)
        with patch.object(queries, "TALK_SIZE", limit):
            for comment in visible:
                place_in = queries.place_in(timeline, comment)
                assert comment in ids([page(timeline, place_in, limit)])
