"""Every use of a prepared statement of the site, for tests of what happens to them."""

import uuid
from collections.abc import Callable
from typing import Any

from django.core.mail import EmailMessage

from apps import limits, lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.commandqueue.core import outcomes, store
from apps.commandqueue.models import Queue, State
from apps.commandqueue.tests.conftest import mailers
from apps.commandqueue.tests.smtpserver import Server
from apps.feeds import queries as feeds
from apps.feeds.keys import network_first_page
from apps.feeds.queries import Timeline
from apps.keyset import Seek
from apps.kwips import actions, bookmarks, controls, sharing
from apps.kwips import queries as kwips
from apps.kwips.models import Kwip
from apps.kwips.visibility import Visible

type Uses = dict[str, Callable[[], object]]


def all_uses(ann: User, bob: User, kwip: Kwip, settings: Any, smtp: Server) -> Uses:
    """By name; each returns the same again. ``kwip`` is one of several by ann, with comments by bob."""
    sharing.share(kwip=kwip, user=bob)
    bookmarks.bookmark(kwip=kwip, user=bob)
    settings.MAILERS = mailers(smtp.port)
    many = feeds.FEW_FOLLOWEES + 1
    timelines = {
        "everyone": feeds.everyone(viewer_id=bob.pk),
        "everyone, active": feeds.everyone(viewer_id=None, sort="active"),
        "person": feeds.person(viewer_id=bob.pk, person_id=ann.pk),
        "person, active": feeds.person(viewer_id=bob.pk, person_id=ann.pk, sort="active"),
        "comments": feeds.comments(viewer_id=ann.pk, person_id=bob.pk),
        "favourites": feeds.favourites(viewer_id=bob.pk, person_id=bob.pk),
        "shares": feeds.shares(viewer_id=bob.pk, person_id=bob.pk),
        "bookmarks": feeds.bookmarks(viewer_id=bob.pk),
        "tag": feeds.tag(viewer_id=bob.pk, name="leaves"),
        "conversation": feeds.conversation(viewer_id=bob.pk, thread_id=kwip.pk),
        "network": feeds.network(viewer_id=bob.pk, following_count=1),
        "network, active": feeds.network(viewer_id=bob.pk, following_count=1, sort="active"),
        "large network": feeds.network(viewer_id=bob.pk, following_count=many),
        "large network, active": feeds.network(viewer_id=bob.pk, following_count=many, sort="active"),
        "news": feeds.network_unseen(viewer_id=bob.pk, following_count=many),
    }
    there_and_back = {name: both_ways(timeline, bob) for name, timeline in timelines.items()}
    return there_and_back | {
        "kept first page": lambda: first_page_twice(timelines["large network"], bob),
        "user": lambda: read_user(bob),
        "visible kwip": lambda: str(kwips.visible_kwip(kwip.pk, bob.pk)),
        "writes": lambda: write_and_delete(ann, bob),
        "limits": lambda: limited(settings),
        "cards": lambda: kwips.cards([Visible(kwip.pk)]),
        "left out": lambda: kwips.shown_counts(ann, bob.pk),
        "marks": lambda: str(controls.marks_of(bob.pk, kwips.cards([Visible(kwip.pk)]))),
        "queue": queued,
    }


def both_ways(timeline: Timeline, viewer: User) -> Callable[[], object]:
    def fetch() -> object:
        lookaside.cache().delete(network_first_page(viewer.pk))
        order = timeline.order
        found = timeline.fetch(Seek(order, order.start, backward=False, limit=21))
        assert found, order
        back = timeline.fetch(Seek(order, order.position_of(found[-1]), backward=True, limit=21))
        return [entry.id for entry in found], [entry.id for entry in back]

    return fetch


def first_page_twice(network: Timeline, viewer: User) -> object:
    """By the two plans, and from the kept page."""
    lookaside.cache().delete(network_first_page(viewer.pk))
    return [[entry.id for entry in network.page({})] for _ in range(2)]


def read_user(user: User) -> object:
    lookaside.cache().invalidate([user_key(user.pk)])
    return str(CachedUserBackend().get_user(user.pk))


def write_and_delete(ann: User, bob: User) -> object:
    """A kwip with a tag and a mention, sent twice and edited; a comment; marks that are taken back."""
    key = uuid.uuid4()
    made = [actions.publish(author=ann, text="#fresh for @bob", form_key=key) for _ in range(2)]
    kwip = made[0].kwip
    actions.comment(author=bob, thread=kwip, text="with #milk", form_key=uuid.uuid4())
    counts = [
        write(kwip=kwip, user=bob)
        for write in (actions.favourite, actions.unfavourite, sharing.share, sharing.unshare)
    ]
    bookmarks.bookmark(kwip=kwip, user=bob)
    edited = actions.edit(kwip=kwip, text="#stale for @bob and @ann")
    actions.delete(kwip=kwip)
    return edited.text, [it.created for it in made], counts


def limited(settings: Any) -> object:
    """A hit that is taken back, one that counts, and one that is refused."""
    settings.LIMITS = settings.LIMITS | {"once": "1/h"}
    who = uuid.uuid4()
    limits.hit("once", who).refund()
    return [bool(limits.hit("once", who)) for _ in range(2)]


def queued() -> object:
    """A message passes through the queue: enqueue, claim, retry, claim, settle."""
    EmailMessage("tea?", "the kettle is on", "ann@example.org", ["bob@example.org"]).send()
    put_off = outcomes.Outcome(State.WAITING, error={"reason": "later"})
    ends: list[object] = []
    for outcome in (put_off, None):
        [claimed] = store.claim(queue_name=Queue.DEFAULT, limit=1, lease=60)
        _, held = store.settle_and_renew(None, claimed, worker="test", lease=60)
        assert held is not None
        if outcome is None:
            ends.append(store.settle_and_renew(claimed, None, worker="test", lease=60)[0])
        else:
            ends.append(store.settle(claimed, outcome))
        ends.append((held.number, held.recipients, held.sender, b"the kettle is on" in held.body))
    return ends
