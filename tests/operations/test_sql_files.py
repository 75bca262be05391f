"""Every .sql file of the apps: a complete and true header, and types that PostgreSQL accepts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.accounts import statements as accounts
from apps.commandqueue.core import statements as commandqueue
from apps.directory import statements as directory
from apps.feeds import statements as feeds
from apps.kwips import controls
from apps.kwips import visibility as kwips
from apps.limits import hits as limits
from apps.messages import statements as messages
from apps.notifications import statements as notifications
from apps.search import statements as search
from apps.securitylog import recording as securitylog
from apps.statements import Statement

FOLDERS = {
    found.SQL.path: found.SQL
    for found in (
        accounts,
        commandqueue,
        directory,
        feeds,
        kwips,
        limits,
        messages,
        notifications,
        search,
        securitylog,
    )
}
FILES = [
    (folder, path.stem)
    for folder in FOLDERS.values()
    for path in sorted(folder.path.glob("*.sql"))
]  # fmt: skip
# Values for the fragments that callers pass.
FRAGMENTS = {
    "beyond": "<",
    "order": "DESC",
    "ids": "SELECT 1::bigint AS id",
    "page_order": "page.id DESC",
    "marks": controls.marks_sql(),
    "among": "true",
    "condition": "true",
    "expires": "expires_at",
    "counter": "favourites_count",
    "columns": "id",
    "muffled": "NULL::text[]",
    "which": "true",
    "more": "UNION ALL SELECT 'talk', 1, '', '', '', 1, now(), false",
}
TABLES = {"sitemap_ranges": "kwips_kwip", "sweep": "limits_tries"}
# Volatile functions that change no session.
HARMLESS = ["clock_timestamp", "random"]
INDEX = re.compile(r"(\w+) (\([^)]*\))")
STATEMENT = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|VACUUM)\b")

each_file = pytest.mark.parametrize(
    ("folder", "name"), FILES, ids=[f"{f.prefix}/{name}" for f, name in FILES]
)


def test_no_file_is_outside_of_the_folders_that_are_checked_here() -> None:
    found = {
        path.parent for path in Path(settings.BASE_DIR, "apps").rglob("*.sql") if "tests" not in path.parts
    }
    assert found == set(FOLDERS)


@each_file
def test_a_header_says_what_the_file_does_and_which_indexes_serve_it(db, folder, name) -> None:
    header, _ = folder.read(name)
    assert len(header.purpose) > 20
    named = INDEX.findall(header.index)
    if header.index.startswith("none, "):
        return
    assert ", ".join(f"{index} {columns}" for index, columns in named) == header.index
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        there = dict(cursor.fetchall())
    for index, columns in named:
        assert columns in there[index]


def statement_of(folder, name) -> Statement | None:
    """The file as a statement; None for a fragment, and for VACUUM, which PostgreSQL can't prepare."""
    _, body = folder.read(name)
    if not STATEMENT.match(body):
        marks = {control.marked_sql for control in controls.CONTROLS}
        assert name in {*fragments_used(), "visible", *marks}, "a fragment that no file includes"
        return None
    if body.startswith("VACUUM"):
        return None
    passed = {key: value for key, value in FRAGMENTS.items() if f"{{{key}}}" in body}
    if "{table}" in body:
        passed["table"] = TABLES[name]
    return folder.load(name, **passed).statement(name, f"checked_{folder.prefix}_{name}")


@pytest.mark.asvs("1.2.4")
@each_file
def test_postgresql_prepares_it_with_the_types_of_its_header(db, folder, name) -> None:
    statement = statement_of(folder, name)
    if statement is None:
        return
    with prepared(statement) as cursor:
        cursor.execute(
            "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = %s", [statement.name]
        )
        [(types,)] = cursor.fetchall()
    assert len(types) == len(parameters(statement))
    assert set(statement.types) <= parameters(statement), "a type of a parameter that is not there"


@each_file
def test_a_statement_that_calls_itself_read_only_cannot_change_its_session(db, folder, name) -> None:
    """The pool does not reset a connection after it."""
    statement = statement_of(folder, name)
    if statement is None or not statement.is_read_only:
        return
    with prepared(statement) as cursor:
        nulls = f"({', '.join(['NULL'] * len(parameters(statement)))})" if parameters(statement) else ""
        cursor.execute("SET LOCAL plan_cache_mode TO force_generic_plan")
        cursor.execute(f"EXPLAIN (VERBOSE) EXECUTE {statement.name} {nulls}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert not re.search(r"LockRows|ModifyTable|(Insert|Update|Delete|Merge) on ", plan), plan
        cursor.execute(
            "SELECT proname FROM pg_proc"
            " WHERE provolatile = 'v' AND proname = ANY(%s) AND proname <> ALL(%s)",
            [re.findall(r"(\w+)\s*\(", plan + statement.sql), HARMLESS],
        )
        assert cursor.fetchall() == []


@contextmanager
def prepared(statement: Statement) -> Iterator[CursorWrapper]:
    """Prepares the statement for the block; the connection keeps those that the site prepared."""
    with connection.cursor() as cursor:
        cursor.execute(statement.prepare)
        yield cursor
        cursor.execute(f"DEALLOCATE {statement.name}")


def test_every_timeline_is_read_only() -> None:
    others = {"count_restoration", "horizon"}  # these serve kept first pages, and run rarely
    for key in feeds.SQL.path.glob("*.sql"):
        if key.stem in others:
            continue
        statement = statement_of(feeds.SQL, key.stem)
        assert statement is None or statement.is_read_only, key


def fragments_used() -> set[str]:
    return {hole for folder, name in FILES for hole in re.findall(r"\{(\w+)\}", folder.read(name)[1])}


def parameters(statement: Statement) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", statement.sql))
