"""Every use of a prepared statement of the site, for tests of what happens to them."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl

from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from apps import limits, lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.commandqueue.core import outcomes, store
from apps.commandqueue.models import Command, Queue, State
from apps.commandqueue.tests.conftest import mailers
from apps.commandqueue.tests.smtpserver import Server
from apps.directory import queries as directory
from apps.directory.tasks import find_active_and_busy
from apps.feeds import first_pages, newcomers, side, statistics
from apps.feeds import queries as feeds
from apps.feeds.keys import network_first_page
from apps.feeds.queries import Timeline
from apps.feeds.statements import Entry
from apps.graph.actions import follow
from apps.keyset import Key, KeysetOrder, Page, Seek, encode
from apps.kwips import actions, bookmarks, completion, controls, of_the_day, pins, sharing, tracking
from apps.kwips import queries as kwips
from apps.kwips.models import Kwip
from apps.kwips.visibility import Visible
from apps.messages import actions as messages
from apps.messages.models import Buzz
from apps.messages.queries import conversations, newest
from apps.notifications import actions as notices
from apps.notifications import queries as notifications
from apps.notifications.mail import digests, now
from apps.notifications.mail.tests.conftest import digests_are_due
from apps.notifications.models import Notice
from apps.search import queries as search
from apps.search.query import parse
from apps.securitylog import Event, record
from apps.securitylog.models import Entry as Happened

type Uses = dict[str, Callable[[], object]]


def all_uses(ann: User, bob: User, kwip: Kwip, settings: Any, smtp: Server) -> Uses:
    """By name; each returns the same again. ``kwip`` is one of several by ann, with comments by bob."""
    sharing.share(kwip=kwip, user=bob)
    bookmarks.bookmark(kwip=kwip, user=bob)
    of_the_day.choose(kwip=kwip, by=ann)
    pins.pin(kwip=kwip, user=ann)
    for person in (ann, bob):
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    cee = silent_follower(ann)
    session = SessionStore()
    session.create()
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
        "of the day": feeds.of_the_day(),
        "pinned": feeds.pinned(viewer_id=bob.pk, person_id=ann.pk),
        "tag": feeds.tag(viewer_id=bob.pk, name="leaves"),
        "conversation": feeds.conversation(viewer_id=bob.pk, thread_id=kwip.pk),
        "network": feeds.network(viewer_id=bob.pk, following_count=1),
        "network, active": feeds.network(viewer_id=bob.pk, following_count=1, sort="active"),
        "large network": feeds.network(viewer_id=bob.pk, following_count=many),
        "large network, active": feeds.network(viewer_id=bob.pk, following_count=many, sort="active"),
        "news": feeds.network_unseen(viewer_id=bob.pk, following_count=many),
        "news, active": feeds.network_unseen(viewer_id=bob.pk, following_count=many, sort="active"),
    }
    there_and_back = {name: both_ways(timeline, bob) for name, timeline in timelines.items()}
    return there_and_back | {
        "kept first page": lambda: first_page_thrice(timelines["large network"], bob),
        "statistics": lambda: statistics.charts(ann.pk),
        "newcomers": lambda: read_newcomers(bob),
        "side": lambda: read_side(bob, kwip),
        "follows": lambda: side.follows(ann, bob.pk),
        "people": lambda: find_people(bob),
        "user": lambda: read_user(bob),
        "session": lambda: read_session(session),
        "visible kwip": lambda: str(kwips.visible_kwip(kwip.pk, bob.pk)),
        "writes": lambda: write_and_delete(ann, bob),
        "limits": lambda: limited(settings),
        "cards": lambda: kwips.cards([Visible(kwip.pk)]),
        "left out": lambda: kwips.shown_counts(ann, bob.pk),
        "marks": lambda: str(controls.marks_of(bob.pk, kwips.cards([Visible(kwip.pk)]))),
        "completion": lambda: completion.people(bob.pk, "an", kwip_id=kwip.pk),
        "tracking": lambda: track_and_stop(kwip, bob),
        "messages": lambda: message_and_delete(ann, bob),
        "buzz": lambda: buzz(ann, cee),
        "search": lambda: searched(bob),
        "notices": lambda: notify_and_delete(ann, bob),
        "security log": recorded,
        "queue": queued,
    }


def read_session(session: SessionStore) -> str:
    assert session.session_key is not None
    lookaside.cache().invalidate([session_key(session.session_key)])
    return str(SessionStore(session.session_key).load())


def silent_follower(ann: User) -> User:
    """A person who joined long ago and wrote nothing, whom ``ann`` may buzz."""
    joined_at = timezone.now() - timedelta(days=30)
    cee = User.objects.create_user("cee", "cee@example.org", "a long password", joined_at=joined_at)
    follow(follower=cee, followee=ann)
    return cee


def both_ways(timeline: Timeline, viewer: User) -> Callable[[], object]:
    def fetch() -> object:
        lookaside.cache().delete(network_first_page(viewer.pk))
        order = timeline.order
        found = timeline.fetch(Seek(order, order.start, backward=False, limit=21))
        assert found, order
        back = timeline.fetch(Seek(order, order.position_of(found[-1]), backward=True, limit=21))
        return [entry.id for entry in found], [entry.id for entry in back]

    return fetch


def first_page_thrice(network: Timeline, viewer: User) -> object:
    """By the two plans; from the kept page; and from it when it is due to be kept anew."""
    lookaside.cache().delete(network_first_page(viewer.pk))
    pages = [[entry.id for entry in network.page({})] for _ in range(2)]
    with patch.object(first_pages, "RENEWED_AFTER", -1):
        return [*pages, [entry.id for entry in network.page({})]]


def read_newcomers(viewer: User) -> object:
    lookaside.cache().delete("newcomers")
    found = newcomers.newcomers(viewer.pk)
    assert found
    return found


def read_side(viewer: User, kwip: Kwip) -> object:
    """With a conversation that the viewer tracks, and a comment that is new in it."""
    side.kept.clear()
    version = Kwip.objects.values_list("version", flat=True).get(pk=kwip.pk)
    tracking.set_tracking(kwip=kwip, user=viewer, is_on=True)
    said = actions.comment(author=kwip.author, thread=kwip, text="more tea?", form_key=uuid.uuid4()).kwip
    found = side.side(viewer.pk)
    actions.delete(kwip=said)
    Kwip.objects.filter(pk=kwip.pk).update(version=version)  # for the other uses, which compare it
    assert found["around"]
    assert len(found["talks"]) == 1
    return found["around"], found["talks"][0].url


def find_people(viewer: User) -> object:
    """Each list of people, there and back."""
    find_active_and_busy.func()
    end = {"before": encode(KeysetOrder("active people", keys=(Key("place"),), oldest_first=True), (30_000,))}
    mine = KeysetOrder(f"people of the network of {viewer.pk}", keys=(Key("place"),), oldest_first=True)
    pages = [
        *(directory.new(viewer.pk, there) for there in first_and_before("new people")),
        *(directory.active(viewer.pk, there) for there in ({}, end)),
        *(directory.network(viewer.pk, there) for there in ({}, {"before": encode(mine, (30_000,))})),
    ]
    assert pages[0]
    assert pages[2]
    first = [person.username for person in directory.first_follows(viewer.pk)]
    return [[person.username for person in page] for page in pages], first


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
    edited = actions.edit(kwip=kwip, text="#stale for @bob and @ann").kwip
    actions.delete(kwip=kwip)
    return edited.text, [it.created for it in made], counts


def track_and_stop(kwip: Kwip, user: User) -> object:
    choices = []
    for is_on in (True, False):
        tracking.set_tracking(kwip=kwip, user=user, is_on=is_on)
        tracked = tracking.tracked(kwip, user)
        tracking.see(kwip=kwip, user=user, tracked=tracked, newest=Visible(1))
        choices.append((tracked.choice, tracking.tracked(kwip, user).seen is not None))
    return choices


def message_and_delete(ann: User, bob: User) -> object:
    """A message that is sent twice, listed and read; both delete the conversation."""
    key = uuid.uuid4()
    sent = [messages.send(sender=ann, recipient=bob, text="tea?", form_key=key) for _ in range(2)]
    pages = [conversations(bob, there) for there in first_and_before(f"messages of {bob.pk}")]
    messages.read(user=bob, other=ann)
    read = conversations(bob, {})
    for owner, other in ((ann, bob), (bob, ann)):
        last = newest(owner, other)
        assert last
        messages.delete_conversation(owner=owner, other=other, newest=last.pk)
    return sent, [[(it.text, it.is_unread) for it in page] for page in (*pages, read)]


def buzz(buzzer: User, buzzed: User) -> object:
    messages.buzz(buzzer=buzzer, buzzed=buzzed)
    return Buzz.objects.filter(buzzer=buzzer, buzzed=buzzed).delete()[0]


def notify_and_delete(ann: User, bob: User) -> object:
    """Notices of a kwip that mentions bob, and of his comment: listed, mailed, visited, seen and cleared."""
    Notice.objects.all().delete()  # those of other uses
    kwip = actions.publish(author=ann, text="tea for @bob?", form_key=uuid.uuid4()).kwip
    comment = actions.comment(author=bob, thread=kwip, text="with milk", form_key=uuid.uuid4()).kwip
    Notice.objects.filter(recipient=ann).delete()
    notices.notify_commented.func(comment.pk, kwip.pk)  # anew
    ids = list(Notice.objects.filter(recipient=ann).values_list("pk", flat=True))
    pages = [notifications.notices(ann, there) for there in first_and_before(f"notices {ann.pk}")]
    mailed = now.mail_notices.func(ids)
    digests_are_due(bob)
    sent = digests.send_due.func()
    notices.visit(user=bob, thread_id=kwip.pk)
    seen = [len(notices.mark_seen(user=person)) for person in (ann, bob)]
    notices.clear(user=ann, newest=notifications.MAX_ID)
    left = [len(notifications.notices(person, {})) for person in (ann, bob)]
    swept = notices.sweep()
    actions.delete(kwip=kwip)
    kinds = [[line.kind.name for group in page for line in group.lines] for page in pages]
    return kinds, mailed, sent, seen, left, swept, Notice.objects.filter(thread_id=kwip.pk).count()


def searched(viewer: User) -> object:
    """Kwips onward and back, people, tags."""

    def page(query: str) -> Page[Entry]:
        return search.kwips(parse("tea"), dict(parse_qsl(query.lstrip("?"))), viewer=viewer, keep={})

    with patch.object(search, "PAGE_SIZE", 1):
        first = page("")
        second = page(first.next or "")
        back = page(second.previous or "")
    assert [entry.id for entry in first] == [entry.id for entry in back]
    names = search.people("ann", viewer_id=viewer.pk), search.tags("leaves", viewer_id=viewer.pk)
    assert all(names)
    return [[entry.id for entry in it] for it in (first, second)], str(names)


def first_and_before(order: str) -> list[dict[str, str]]:
    """The arguments of a list's first page, and of the page above its oldest row."""
    return [{}, {"after": encode(KeysetOrder(order), (0,))}]


def limited(settings: Any) -> object:
    """A hit that is taken back, one that counts, and one that is refused."""
    settings.LIMITS = settings.LIMITS | {"once": "1/h"}
    who = uuid.uuid4()
    limits.hit("once", who).refund()
    counted = [bool(limits.hit("once", who)) for _ in range(2)]
    return [*counted, limits.is_met("once", who)]


def recorded() -> object:
    """Two events that are alike, and one of its own."""
    who = uuid.uuid4().int % 2**62
    for event in (Event.SIGNED_IN, Event.SIGNED_IN, Event.PASSWORD_CHANGED):
        record(event, user_id=who)
    return sum(Happened.objects.filter(user_id=who).values_list("times", flat=True))


def queued() -> object:
    """A message passes through the queue: enqueue, claim, retry, claim, settle."""
    Command.objects.all().delete()  # those of other uses, which would be claimed first
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
    return [*ends, *batch()]


def batch() -> list[object]:
    """Two more messages, as commands that are started and settled together."""
    for subject in ("milk?", "sugar?"):
        EmailMessage(subject, "", "ann@example.org", ["bob@example.org"]).send()
    with transaction.atomic():
        claimed = store.claim(queue_name=Queue.DEFAULT, limit=2, lease=60)
        started = store.start_batch(claimed, worker="test", lease=60)
    with transaction.atomic():
        settled = store.settle_batch([(attempt.command, None) for attempt in started])
    return [(attempt.number, attempt.recipients) for attempt in started] + [len(settled)]
