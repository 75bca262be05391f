"""A migration changes the types of columns while the site serves: every prepared statement keeps working."""

import threading
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg2
import pytest
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models.functions import Now

from apps import limits, lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core import statements as queue_sql
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, Queue, State
from apps.commandqueue.tests.conftest import mailers, wait_for
from apps.commandqueue.tests.smtpserver import Server
from apps.feeds import queries as feeds
from apps.feeds import statements as feeds_sql
from apps.feeds.keys import network_first_page
from apps.feeds.queries import Timeline
from apps.graph.actions import follow
from apps.keyset import Seek
from apps.kwips import actions
from apps.kwips import queries as kwips
from apps.kwips.models import Kwip
from apps.kwips.visibility import SQL as kwips_sql  # noqa: N811
from apps.kwips.visibility import Visible
from apps.statements import SqlFolder
from tests.support.http import Member, Visitor
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

type Uses = dict[str, Callable[[], object]]

# The new type for each type of a column. PostgreSQL requires a plan to return the same types.
OTHERS = {
    "smallint": "integer",
    "integer": "bigint",
    "text": "character varying",
    "text[]": "character varying[]",
    "timestamp with time zone": "timestamp(6) with time zone",
}
COLUMNS = """
SELECT relation.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)
FROM pg_class relation JOIN pg_attribute attribute ON attribute.attrelid = relation.oid
WHERE relation.relkind = 'r' AND relation.relnamespace = 'public'::regnamespace
    AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""


class Migrations:
    """Changes the types of all columns, on its own connection; the next call changes them back."""

    def __init__(self) -> None:
        self._connection = psycopg2.connect(**connection.get_connection_params())
        self._connection.autocommit = True
        self._changed: dict[tuple[str, str], str] = {}

    def run(self, tables: str = "") -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(COLUMNS)
            found = [row for row in cursor.fetchall() if row[0].startswith(tables)]
            for table in {table for table, _, _ in found}:
                changes = [
                    f'ALTER "{name}" TYPE {new}'
                    for relation, name, old in found
                    if relation == table and (new := self._other(table, name, old))
                ]
                if changes:
                    cursor.execute(f'ALTER TABLE "{table}" {", ".join(changes)}')

    def undo(self) -> None:
        if self._changed:
            self.run()
        assert not self._changed
        self._connection.close()

    def _other(self, table: str, name: str, old: str) -> str | None:
        if before := self._changed.pop((table, name), None):
            return before
        new = OTHERS.get(old)
        if old.startswith("character varying("):
            new = "text"
        if new is not None:
            self._changed[table, name] = old
        return new


@pytest.fixture
def migrations(transactional_db: None) -> Iterator[Migrations]:
    migrations = Migrations()
    yield migrations
    connection.close()
    migrations.undo()


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", "a long password")


@pytest.fixture
def kwip(ann: User, bob: User) -> Kwip:
    """Several kwips with comments, a tag and a favourite; returns one."""
    follow(follower=bob, followee=ann)
    for number in range(3):
        kwip = actions.publish(author=ann, text=f"tea {number} #leaves", form_key=uuid.uuid4()).kwip
        actions.comment(author=bob, thread=kwip, text="with milk", form_key=uuid.uuid4())
        actions.favourite(user=bob, kwip=kwip)
    return kwip


@pytest.fixture
def smtp() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def uses(ann: User, bob: User, kwip: Kwip, settings: Any, smtp: Server) -> Uses:
    """Every use of a prepared statement: the parts of each timeline, cards, the queue's."""
    settings.MAILERS = mailers(smtp.port)
    many = feeds.FEW_FOLLOWEES + 1
    timelines = {
        "everyone": feeds.everyone(viewer_id=bob.pk),
        "everyone, active": feeds.everyone(viewer_id=None, sort="active"),
        "person": feeds.person(viewer_id=bob.pk, person_id=ann.pk),
        "person, active": feeds.person(viewer_id=bob.pk, person_id=ann.pk, sort="active"),
        "comments": feeds.comments(viewer_id=ann.pk, person_id=bob.pk),
        "favourites": feeds.favourites(viewer_id=bob.pk, person_id=bob.pk),
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
        "favourites among": lambda: kwips.favourites_among([kwip.pk], bob.pk),
        "queue": queued,
    }


def both_ways(timeline: Timeline, viewer: User) -> Callable[[], object]:
    def fetch() -> object:
        lookaside.cache().delete(network_first_page(viewer.pk))
        order = timeline.order
        found = timeline.fetch(Seek(order, order.start, backward=False, limit=21))
        assert found
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
    """A kwip with a tag and a mention, sent twice and edited; a comment; a favourite that is taken back."""
    key = uuid.uuid4()
    made = [actions.publish(author=ann, text="#fresh for @bob", form_key=key) for _ in range(2)]
    kwip = made[0].kwip
    actions.comment(author=bob, thread=kwip, text="with #milk", form_key=uuid.uuid4())
    counts = actions.favourite(kwip=kwip, user=bob), actions.unfavourite(kwip=kwip, user=bob)
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


def prepared() -> dict[str, Any]:
    """The site's statements that our connection has prepared, with the time of each.

    A pooled connection may still have those of the tests of `apps.statements`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, prepare_time FROM pg_prepared_statements WHERE NOT starts_with(name, 'statements_')"
        )
        return dict(cursor.fetchall())


def test_the_uses_here_are_of_every_prepared_statement_there_is(uses: Uses) -> None:
    connection.close()
    for use in uses.values():
        use()
    # Not prepared, or without a direction. The sitemap's run about once an hour.
    others = {"entries", "count_restoration", "horizon", "network_kept", "sitemap_kwips", "sitemap_ranges"}
    timelines = files(feeds_sql.SQL) - others
    counters = ("kwips_count", "comments_count", "favourites_count")
    assert set(prepared()) == {
        *(f"feeds_{file}_{direction}" for file in timelines for direction in ("asc", "desc")),
        *("feeds_horizon", "feeds_network_kept_desc"),
        *(f"kwips_{file}" for file in files(kwips_sql)),
        *("accounts_cached", "accounts_named", *(f"accounts_count_{name}" for name in counters)),
        *("limits_hit", "limits_refund", "limits_wait"),
        *(f"commandqueue_{name}" for name in queue_sql.PREPARED),
    }


def files(folder: SqlFolder) -> set[str]:
    """The names of the folder's files that are no fragments of others."""
    return {path.stem for path in folder.path.glob("*.sql") if not path.read_text().startswith("-- Fragment")}


def test_their_parameters_have_types_that_no_migration_drops(uses: Uses) -> None:
    """A replaced enum type would have another oid, which a plan can't follow."""
    for use in uses.values():
        use()
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(parameter_types)::oid FROM pg_prepared_statements")
        assert max(row[0] for row in cursor.fetchall()) < 16_384  # those of PostgreSQL itself


def change(migrations: Migrations) -> None:
    migrations.run()


def deallocate(migrations: Migrations) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


faults = pytest.mark.parametrize("fault", [change, deallocate])


@faults
def test_each_statement_goes_on(uses: Uses, migrations: Migrations, fault: Callable[..., None]) -> None:
    before = {name: use() for name, use in uses.items()}
    times = prepared()
    fault(migrations)
    assert {name: use() for name, use in uses.items()} == before
    anew = {name for name, time in prepared().items() if time != times[name]}
    # A statement that returns no changed column is only replanned.
    renewed = {
        "kwips_cards",
        "commandqueue_settle_and_renew",
        *(name for name in times if "_active_" in name),
    }
    assert anew >= (renewed if fault is change else set(times))


@faults
def test_each_statement_goes_on_within_a_transaction(
    uses: Uses, migrations: Migrations, fault: Callable[..., None]
) -> None:
    before = {name: use() for name, use in uses.items()}
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE written (name text)")
    del uses["limits"]  # a limit is hit outside of transactions
    for name, use in uses.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES (%s)", [name])
            fault(migrations)
            assert use() == before[name]
            assert use() == before[name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM written")
        assert [row[0] for row in cursor.fetchall()] == list(uses)


class Clicking(threading.Thread):
    """A visitor who requests pages in a loop."""

    def __init__(self, visitor: Visitor, paths: list[str]) -> None:
        super().__init__()
        self.visitor = visitor
        self.paths = paths
        self.statuses: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for path in self.paths:
                self.statuses.append(self.visitor.get(path).status)


def have_seen_more(people: list[Clicking], before: list[int]) -> bool:
    """Whether each visitor has got every page twice since then."""
    return all(
        len(one.statuses) >= count + 2 * len(one.paths) for one, count in zip(people, before, strict=True)
    )


def test_pages_are_answered_while_columns_change(
    ann: User, bob: User, kwip: Kwip, migrations: Migrations
) -> None:
    paths = ["/", "/everyone/", "/everyone/?sort=active", "/ann/", f"/ann/kwip/{kwip.pk}/", "/tag/leaves/"]
    # Without caches: each request runs its statements.
    with served(memcached="", variables={"PAGECACHE": "false"}) as port:
        people = [Clicking(Member(port, bob), paths), Clicking(Visitor(port), paths[1:])]
        people += [Clicking(Member(port, ann), paths), Clicking(Visitor(port), paths[1:])]
        for one in people:
            one.start()
        try:
            for _ in range(4):
                seen = [len(one.statuses) for one in people]
                migrations.run()
                wait_for(partial(have_seen_more, people, seen), seconds=120)
        finally:
            for one in people:
                one.over.set()
            for one in people:
                one.join()
    # A statement that waited for the rewrite of a table may find it empty: an ALTER TABLE that rewrites it is
    # not safe for earlier snapshots (PostgreSQL's documentation, "Caveats" of concurrency control).
    statuses = [status for one in people for status in one.statuses]
    assert set(statuses) <= {200, 404}
    assert statuses.count(404) <= len(statuses) / 20


def all_done() -> bool:
    """Whether all messages were sent; makes deferred ones due."""
    Command.objects.filter(state=State.WAITING, due_at__gt=Now()).update(due_at=Now())
    return Command.objects.filter(state=State.DONE).count() == 40


def test_a_worker_sends_each_message_once_while_columns_change(
    migrations: Migrations, settings: Any, smtp: Server
) -> None:
    settings.MAILERS = mailers(smtp.port)
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for _ in range(4):
            smtp.fail("4@example.net", "450 later")
            for number in range(10):
                to = [f"{number}@example.org", f"{number}@example.net"]
                EmailMessage("tea", "today", "ann@example.org", to).send()
            wait_for(lambda: Command.objects.filter(state=State.DONE).exists())
            migrations.run("commandqueue_")
        wait_for(all_done, seconds=120)
    finally:
        worker.stop()
        thread.join(60)
    assert not thread.is_alive()
    reached = sorted(to for envelope in smtp.accepted for to in envelope.rcpt_tos)
    assert reached == sorted(
        f"{n}@example.{end}" for n in range(10) for end in ("org", "net") for _ in range(4)
    )
