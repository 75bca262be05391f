"""A PostgreSQL for the benchmarks, kept in var/bench, in which no run sees what another has written.

Data that takes long to make is made once, in a template that accepts no connections. Each run gets a copy
of it, or an empty database, and drops it at its end.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from deploy.local.postgres import ROLE, SUPERUSER, Postgres

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "var" / "bench"


class Server:
    """A running PostgreSQL and what is done to its databases as a whole."""

    def __init__(self, postgres: Postgres) -> None:
        self.sockets = postgres.sockets
        self._postgres = postgres

    @property
    def pid(self) -> int:
        return self._postgres.pid

    @contextmanager
    def logged_messages(self, name: str) -> Iterator[Callable[[], int]]:
        """Has new sessions in a database log each message of a client; yields a count of those so far.

        One message may have several statements.
        """
        self._run(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
        yield lambda: self._postgres.log.read_text(errors="replace").count("LOG:  statement: ")
        self._run(f'ALTER DATABASE "{name}" RESET log_statement')

    def empty(self, name: str) -> None:
        """Makes an empty database, in place of the one that is there."""
        self.drop(name)
        self._postgres.create_database(name)

    def copy(self, template: str, name: str) -> None:
        """Makes a database that is a copy, page by page, of the template."""
        self.drop(name)
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {ROLE} STRATEGY file_copy')

    def drop(self, name: str) -> None:
        """Drops a database, a template too, and ends the sessions in it. Does nothing where there is none."""
        if name in self.names():
            self._run(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def names(self) -> list[str]:
        return [name for (name,) in self._run("SELECT datname FROM pg_database")]

    def template(self, name: str, *, family: str, fill: Callable[[str], object]) -> None:
        """Makes a template unless it is there; ``fill`` gets the name of the database that it fills.

        Others of its family (the same data by an earlier recipe) are dropped. An interrupted ``fill`` leaves
        nothing that could be taken for the template.
        """
        names = self.names()
        if name in names:
            return
        for old in names:
            if old.startswith(f"{family}_"):
                self.drop(old)
        unfinished = f"{family}_unfinished"
        self.empty(unfinished)
        fill(unfinished)
        self._run(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
        self._run(f'ALTER DATABASE "{name}" IS_TEMPLATE true ALLOW_CONNECTIONS false')

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(
            psycopg2.connect(host=str(self.sockets), user=SUPERUSER, dbname="postgres")
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres(*settings: str) -> Iterator[Server]:
    """Runs the server, and has the environment name it. Django must not be set up yet.

    ``settings`` are further ones of the server, as "name=value".
    """
    HOME.mkdir(parents=True, exist_ok=True)
    server = Postgres(HOME / "postgres", sockets=HOME / "run", durable=False, settings=settings)
    server.start()
    try:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "SECRET_KEY": "a key for benchmarks alone, long enough for the system check",
            "SITE_URL": "http://localhost:8000",
            "DATABASE_HOST": str(server.sockets),
            "DATABASE_USER": ROLE,
            "DATABASE_STATEMENT_TIMEOUT_MS": "0",
            "LOG_LEVEL": "WARNING",
            "LOG_FORMAT": "console",
        }
        yield Server(server)
    finally:
        server.stop()


@contextmanager
def empty(server: Server, name: str) -> Iterator[None]:
    """An empty database for one run; Django, and the processes that we start, use it."""
    server.empty(name)
    with _used(server, name):
        yield


@contextmanager
def copied(server: Server, template: str, name: str) -> Iterator[None]:
    """A copy of the template for one run; Django, and the processes that we start, use it."""
    server.copy(template, name)
    with _used(server, name):
        yield


@contextmanager
def _used(server: Server, name: str) -> Iterator[None]:
    os.environ["DATABASE_NAME"] = name
    from django.conf import settings

    if settings.configured:
        _use(name)
    try:
        yield
    finally:
        server.drop(name)


def _use(name: str) -> None:
    """Points Django, whose settings are loaded, at another database."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
