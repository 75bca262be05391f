"""No run of a bench sees what another has written."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from bench.lib.database import Server
from deploy.local.postgres import ROLE, Postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bench")
    postgres = Postgres(folder / "postgres", sockets=folder / "run", durable=False)
    postgres.start()
    yield Server(postgres)
    postgres.stop()


def run(server: Server, name: str, sql: str) -> list[tuple[int]]:
    with closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=name)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def fill(server: Server, *rows: int) -> str:
    """The template of the family "notes" with these rows."""
    values = ", ".join(f"({row})" for row in rows)
    name = f"notes_{'_'.join(map(str, rows))}"
    sql = f"CREATE TABLE note AS SELECT * FROM (VALUES {values}) AS rows (id)"
    server.template(name, family="notes", fill=lambda unfinished: run(server, unfinished, sql))
    return name


def test_a_run_sees_nothing_that_another_has_written(server: Server) -> None:
    template = fill(server, 1, 2)
    server.copy(template, "pagecache")
    run(server, "pagecache", "INSERT INTO note VALUES (3)")
    for subject in ("timelines", "pagecache"):
        server.copy(template, subject)
        assert run(server, subject, "SELECT id FROM note ORDER BY id") == [(1,), (2,)]
        server.drop(subject)


def test_nothing_can_write_into_a_template(server: Server) -> None:
    template = fill(server, 1, 2)
    with pytest.raises(psycopg2.OperationalError, match="not currently accepting connections"):
        run(server, template, "INSERT INTO note VALUES (3)")


def test_an_interrupted_fill_is_never_taken_for_a_template(server: Server) -> None:
    def interrupted(unfinished: str) -> None:
        run(server, unfinished, "CREATE TABLE note (id int)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.template("notes_4", family="notes", fill=interrupted)
    assert "notes_4" not in server.names()
    server.copy(fill(server, 4), "timelines")
    assert run(server, "timelines", "SELECT id FROM note") == [(4,)]


def test_another_recipe_replaces_the_template(server: Server) -> None:
    earlier, later = fill(server, 5), fill(server, 6)
    names = server.names()
    assert later in names
    assert earlier not in names


def test_a_message_with_two_statements_is_one(server: Server) -> None:
    server.empty("writes")
    with server.logged_messages("writes") as messages:
        before = messages()
        run(server, "writes", "SELECT 1; SELECT 2")
        assert messages() - before == 1
    run(server, "writes", "SELECT 3")
    assert messages() - before == 1
