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

from apps.accounts.models import User
from apps.commandqueue.core import statements as queue_sql
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests.conftest import mailers, wait_for
from apps.commandqueue.tests.smtpserver import Server
from apps.feeds import statements as feeds_sql
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.kwips.visibility import SQL as kwips_sql  # noqa: N811
from apps.messages import statements as messages_sql
from apps.notifications import statements as notifications_sql
from apps.search import statements as search_sql
from apps.statements import SqlFolder
from tests.faults.prepared_statements import Uses, all_uses
from tests.support.http import Member, Visitor
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

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
    return all_uses(ann, bob, kwip, settings, smtp)


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
    assert set(prepared()) == every_name()


def every_name() -> set[str]:
    # Not prepared, or without a direction. The sitemap's run about once an hour.
    without_direction = {
        "around", "follows", "horizon", "newcomers", "shares_of_network", "shares_since", "side",
        "statistics",
    }  # fmt: skip
    others = {"entries", "count_restoration", "network_kept", "sitemap_kwips", "sitemap_ranges"}
    timelines = files(feeds_sql.SQL) - without_direction - others
    counters = ("kwips_count", "comments_count", "favourites_count")
    return {
        *(f"feeds_{file}_{direction}" for file in timelines for direction in ("asc", "desc")),
        *(f"feeds_{file}" for file in without_direction | {"network_kept_desc"}),
        *(f"kwips_{file}" for file in files(kwips_sql) - {"count_mark", "take_back_thanks"}),
        *(f"directory_{name}_{way}" for name in ("active", "network", "new") for way in ("asc", "desc")),
        "directory_first_follows",
        *("kwips_count_favourites_count", "kwips_count_shares_count"),
        *(
            "accounts_cached",
            "accounts_named",
            "accounts_session",
            *(f"accounts_count_{name}" for name in counters),
        ),
        *("limits_hit", "limits_refund", "limits_wait", "securitylog_record"),
        *(f"notifications_{file}" for file in files(notifications_sql.SQL) - {"page", "talks", "unreturned"}),
        *(f"notifications_{name}" for name in ("page_asc", "page_desc", "selected")),
        *(f"notifications_unreturned_{name}" for name in ("all", "conversation")),
        *(f"private_messages_{file}" for file in files(messages_sql.SQL) - {"conversations"}),
        *(f"private_messages_conversations_{direction}" for direction in ("asc", "desc")),
        *(f"search_{file}" for file in files(search_sql.SQL) - {"kwips", "index"}),
        *(f"search_kwips_{direction}" for direction in ("asc", "desc")),
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
