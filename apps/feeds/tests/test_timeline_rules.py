"""The rules of each timeline, one at a time."""

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.feeds import queries, unseen
from apps.feeds.queries import Timeline
from apps.graph.models import Block, Mute
from apps.kwips import actions, cards, sharing
from apps.kwips.models import Kwip

# Every rule holds for both plans of the network.
both_plans = pytest.mark.parametrize("few", [0, 200], ids=["window", "people"])


def ids(timeline: Timeline) -> list[int]:
    return [entry.id for entry in timeline.page({})]


def network(viewer: User, sort: str = "") -> Timeline:
    return queries.network(viewer_id=viewer.pk, following_count=viewer.following_count, sort=sort)


@both_plans
def test_a_network_has_ones_own_kwips_and_those_of_the_followed(
    ann, bob, publish, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    publish(User.objects.create_user("eve", "eve@example.org"))
    follow(ann, bob)
    his, hers = publish(bob), publish(ann)
    assert ids(network(ann)) == [hers.pk, his.pk]


@both_plans
def test_a_network_has_followers_only_kwips_and_no_comments(
    ann, bob, publish, comment, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    kwip = publish(bob, followers_only=True)
    comment(bob, kwip)
    assert ids(network(ann)) == [kwip.pk]


@both_plans
def test_a_network_hides_muted_and_blocked_people(ann, bob, publish, follow, monkeypatch, few) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    publish(bob)
    mute = Mute.objects.create(muter=ann, muted=bob)
    assert ids(network(ann)) == []
    mute.delete()
    Block.objects.create(blocker=bob, blocked=ann)
    assert ids(network(ann)) == []


@both_plans
@pytest.mark.parametrize("sort", ["", queries.ACTIVE])
def test_a_network_hides_deactivated_people_whose_kwips_are_not_withheld_yet(
    ann, bob, publish, follow, monkeypatch, few, sort
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    own = [publish(ann).pk for _ in range(queries.PAGE_SIZE + 1)]  # they fill the window
    late = publish(bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert Kwip.objects.get(pk=late.pk).withheld == 0
    assert ids(network(ann, sort)) == own[:0:-1]


def test_a_share_of_the_viewers_own_has_no_name(ann, bob, publish) -> None:
    kwip = publish(bob)
    sharing.share(kwip=kwip, user=ann)
    [entry] = network(ann).page({})
    assert entry.shared_by == ["ann", "", ""]
    assert b"shared by you" in cards.shown([entry], ann.pk)[0]


@pytest.fixture
def eve(db: None) -> User:
    """Someone whom ann does not follow."""
    return User.objects.create_user("eve", "eve@example.org")


def shown(viewer: User) -> list[tuple[int, str | None]]:
    """The kwips of a network, and the user names of who shared them."""
    page = network(viewer).page({})
    return [(entry.id, entry.shared_by[0] if entry.shared_by else None) for entry in page]


@both_plans
def test_a_network_has_what_the_followed_share_once_by_the_first(
    ann, bob, eve, publish, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    dan = User.objects.create_user("dan", "dan@example.org")
    follow(ann, bob)
    follow(ann, dan)
    kwip, own = publish(eve), publish(bob)
    for user in (User.objects.create_user("gus", "gus@example.org"), dan, bob):
        sharing.share(kwip=kwip, user=user)
    assert shown(ann) == [(kwip.pk, "dan"), (own.pk, None)]
    sharing.unshare(kwip=kwip, user=dan)
    assert shown(ann) == [(kwip.pk, "bob"), (own.pk, None)]
    follow(ann, eve)
    assert shown(ann) == [(own.pk, None), (kwip.pk, None)], "at its own place"


@both_plans
def test_ones_own_kwip_that_someone_shares_stays_at_its_place(
    ann, bob, publish, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    kwip, newer = publish(ann), publish(bob)
    sharing.share(kwip=kwip, user=bob)
    assert shown(ann) == [(newer.pk, None), (kwip.pk, None)]


@both_plans
def test_what_one_shares_is_in_ones_own_network(ann, eve, publish, monkeypatch, few) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    kwip = publish(eve)
    assert shown(ann) == []
    sharing.share(kwip=kwip, user=ann)
    assert shown(ann) == [(kwip.pk, "ann")]


def hide_by(how: str, ann: User, bob: User, eve: User, kwip: Kwip) -> None:
    match how:
        case "a mute of the author":
            Mute.objects.create(muter=ann, muted=eve)
        case "a mute of the sharer":
            Mute.objects.create(muter=ann, muted=bob)
        case "a block by the author":
            Block.objects.create(blocker=eve, blocked=ann)
        case "a block of the sharer":
            Block.objects.create(blocker=ann, blocked=bob)
        case "the sharer is off":
            User.objects.filter(pk=bob.pk).update(is_active=False)
        case "the author is off":
            User.objects.filter(pk=eve.pk).update(is_active=False)  # not withheld yet
        case "withheld":
            Kwip.objects.filter(pk=kwip.pk).update(withheld=1)
        case "narrower":
            Kwip.objects.filter(pk=kwip.pk).update(visibility=1, audience=eve)
        case "deleted":
            actions.delete(kwip=kwip)


HIDDEN = ["a mute of the author", "a mute of the sharer", "a block by the author", "a block of the sharer",
          "the sharer is off", "the author is off", "withheld", "narrower", "deleted"]  # fmt: skip


@both_plans
@pytest.mark.parametrize("how", HIDDEN)
def test_a_share_shows_nothing_that_its_viewer_may_not_see_or_hear(
    ann, bob, eve, publish, follow, monkeypatch, few, how: str
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    kwip = publish(eve)
    sharing.share(kwip=kwip, user=bob)
    own = [publish(ann).pk for _ in range(queries.PAGE_SIZE)]  # they fill the window
    assert len(shown(ann)) == queries.PAGE_SIZE
    hide_by(how, ann, bob, eve, kwip)
    page = network(ann).page({})
    assert [entry.id for entry in page] == own[::-1]
    assert not page.older


@both_plans
def test_a_sharer_whom_one_does_not_hear_does_not_hide_the_next_one(
    ann, bob, eve, publish, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    dan = User.objects.create_user("dan", "dan@example.org")
    follow(ann, bob)
    follow(ann, dan)
    kwip = publish(eve)
    for user in (bob, dan):
        sharing.share(kwip=kwip, user=user)
    for shares_count in (2, 1_000):  # by the kwip's shares, and by the followees'
        Kwip.objects.filter(pk=kwip.pk).update(shares_count=shares_count)
        assert shown(ann) == [(kwip.pk, "bob")]
        mute = Mute.objects.create(muter=ann, muted=bob)
        assert shown(ann) == [(kwip.pk, "dan")]
        mute.delete()
        User.objects.filter(pk=bob.pk).update(is_active=False)
        assert shown(ann) == [(kwip.pk, "dan")]
        User.objects.filter(pk=bob.pk).update(is_active=True)


@both_plans
def test_pages_of_a_network_that_is_mostly_shares_go_both_ways(
    ann, bob, eve, publish, follow, monkeypatch, few
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    follow(ann, bob)
    kwips = [publish(eve) for _ in range(50)]
    for kwip in kwips:
        sharing.share(kwip=kwip, user=bob)
    newest_first = [kwip.pk for kwip in kwips[::-1]]
    second = network(ann).page({"before": network(ann).page({}).older.removeprefix("?before=")})
    assert [entry.id for entry in second] == newest_first[20:40]
    third = network(ann).page({"before": second.older.removeprefix("?before=")})
    assert [entry.id for entry in third] == newest_first[40:]
    back = network(ann).page({"after": third.newer.removeprefix("?after=")})
    assert [entry.id for entry in back] == newest_first[20:40]


def test_by_activity_a_network_has_no_shares(ann, bob, eve, publish, follow) -> None:
    follow(ann, bob)
    kwip, own = publish(eve), publish(bob)
    sharing.share(kwip=kwip, user=bob)
    assert ids(network(ann, queries.ACTIVE)) == [own.pk]


def test_shares_are_in_the_network_and_on_the_sharers_page_alone(ann, bob, eve, publish) -> None:
    kwip = publish(eve, "a cup of #tea")
    sharing.share(kwip=kwip, user=bob)
    assert ids(queries.person(viewer_id=ann.pk, person_id=bob.pk)) == []
    assert ids(queries.shares(viewer_id=ann.pk, person_id=bob.pk)) == [kwip.pk]
    assert ids(queries.shares(viewer_id=None, person_id=eve.pk)) == []
    for timeline in (
        queries.everyone(viewer_id=ann.pk),
        queries.person(viewer_id=ann.pk, person_id=eve.pk),
        queries.tag(viewer_id=ann.pk, name="tea"),
    ):
        assert ids(timeline) == [kwip.pk]


def test_a_new_share_counts_as_a_new_kwip(ann, bob, eve, publish, follow) -> None:
    follow(ann, bob)
    publish(bob)
    kwip = publish(eve)
    cursor = unseen.watch_cursor(network(ann), network(ann).page({}))
    sharing.share(kwip=kwip, user=bob)
    timeline = queries.network_unseen(viewer_id=ann.pk, following_count=1)
    assert unseen.since(timeline, cursor).label == "1 new kwip"


def test_muting_someone_leaves_them_on_their_own_pages_alone(ann, bob, publish, comment) -> None:
    kwip = publish(bob, "a cup of #tea")
    talk = comment(bob, kwip)
    Mute.objects.create(muter=ann, muted=bob)
    assert ids(queries.everyone(viewer_id=ann.pk)) == []
    assert ids(queries.everyone(viewer_id=ann.pk, sort="active")) == []
    assert ids(queries.tag(viewer_id=ann.pk, name="tea")) == []
    assert ids(queries.person(viewer_id=ann.pk, person_id=bob.pk)) == [kwip.pk]
    assert ids(queries.comments(viewer_id=ann.pk, person_id=bob.pk)) == [talk.pk]
    assert ids(queries.conversation(viewer_id=ann.pk, thread_id=kwip.pk)) == []
    assert ids(queries.everyone(viewer_id=bob.pk)) == [kwip.pk]


@pytest.mark.parametrize("bob_blocks", [True, False])
def test_a_conversation_hides_the_blocked_only_from_each_other(
    ann, bob, publish, comment, bob_blocks
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    kwip = publish(ann)
    talk = comment(eve, kwip)
    Block.objects.create(blocker=bob if bob_blocks else eve, blocked=eve if bob_blocks else bob)
    seen = {
        viewer: ids(queries.conversation(viewer_id=viewer, thread_id=kwip.pk))
        for viewer in (bob.pk, ann.pk, None)
    }
    assert seen == {bob.pk: [], ann.pk: [talk.pk], None: [talk.pk]}
    assert ids(queries.comments(viewer_id=bob.pk, person_id=eve.pk)) == []


def test_a_conversation_below_a_kwip_that_is_hidden_is_hidden(ann, bob, publish, comment, follow) -> None:
    """Also if the viewer could see the comments: they are by other people."""
    hidden = publish(ann, followers_only=True)
    talk = comment(ann, hidden)
    for viewer in (bob.pk, None):
        assert ids(queries.conversation(viewer_id=viewer, thread_id=hidden.pk)) == []
    follow(bob, ann)
    assert ids(queries.conversation(viewer_id=bob.pk, thread_id=hidden.pk)) == [talk.pk]
    blocked = publish(ann)
    eve = User.objects.create_user("eve", "eve@example.org")
    talk = comment(eve, blocked)
    Block.objects.create(blocker=ann, blocked=bob)
    assert ids(queries.conversation(viewer_id=bob.pk, thread_id=blocked.pk)) == []
    assert ids(queries.conversation(viewer_id=None, thread_id=blocked.pk)) == [talk.pk]


def test_by_activity_a_commented_kwip_rises(ann, bob, publish, comment) -> None:
    first, second = publish(ann), publish(ann)
    assert ids(queries.everyone(viewer_id=None, sort="active")) == [second.pk, first.pk]
    made = comment(bob, first)
    Kwip.objects.filter(pk=first.pk).update(last_active_at=timezone.now())
    assert made.pk not in ids(queries.everyone(viewer_id=None, sort="active"))
    assert ids(queries.everyone(viewer_id=None, sort="active")) == [first.pk, second.pk]
    assert ids(queries.person(viewer_id=None, person_id=ann.pk, sort="active")) == [first.pk, second.pk]
    assert ids(queries.everyone(viewer_id=None)) == [second.pk, first.pk]


def test_a_tag_gathers_kwips_and_comments(ann, bob, publish, comment) -> None:
    kwip = publish(ann, "a cup of #tea")
    talk = comment(bob, publish(ann), "more #tea!")
    assert ids(queries.tag(viewer_id=None, name="tea")) == [talk.pk, kwip.pk]
    assert ids(queries.tag(viewer_id=None, name="coffee")) == []


def test_entries_carry_the_versions_of_kwip_and_author(ann, publish) -> None:
    kwip = publish(ann)
    User.objects.filter(pk=ann.pk).update(version=7)
    Kwip.objects.filter(pk=kwip.pk).update(version=9)
    (entry,) = queries.everyone(viewer_id=None).page({})
    assert (entry.id, entry.version, entry.authors_version) == (kwip.pk, 9, 7)


def test_a_kwip_that_commits_late_is_counted_as_new(ann, publish) -> None:
    shown = [publish(ann) for _ in range(30)]
    late = shown[-2].pk
    Kwip.objects.filter(pk=late).delete()
    timeline = queries.everyone(viewer_id=None)
    cursor = unseen.watch_cursor(timeline, timeline.page({}))
    assert unseen.since(timeline, cursor).count == 0
    Kwip(pk=late, author=ann, text="sorry, traffic").save(force_insert=True)
    assert unseen.since(timeline, cursor).label == "1 new kwip"


def test_many_new_kwips_are_not_counted_to_the_end(ann, publish) -> None:
    timeline = queries.everyone(viewer_id=None)
    cursor = unseen.watch_cursor(timeline, timeline.page({}))
    for _ in range(25):
        publish(ann)
    assert unseen.since(timeline, cursor).label == "20+ new kwips"


def test_a_page_further_down_is_not_watched(ann, publish) -> None:
    for _ in range(25):
        publish(ann)
    timeline = queries.everyone(viewer_id=None)
    older = timeline.page({"before": timeline.page({}).older.removeprefix("?before=")})
    assert unseen.watch_cursor(timeline, older) == ""
