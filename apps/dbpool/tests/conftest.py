"""A PostgreSQL of these tests' own: they end its sessions, restart it and use up its connections."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from django.db import connections

from apps.dbpool import registry
from deploy.local.postgres import ROLE, Postgres

ALIAS = "pooled"
POOLED = "apps.dbpool"
STOCK = "django.db.backends.postgresql"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    directory = tmp_path_factory.mktemp("dbpool")
    # Durable, so that a restart keeps what was committed.
    server = Postgres(directory / "postgres", sockets=directory / "run")
    server.start()
    server.create_database("dbpool")
    yield server
    server.stop()


def wrapper() -> Any:
    """This thread's access to the alias."""
    return connections[ALIAS]


def run(sql: str, *parameters) -> list[tuple[Any, ...]]:
    """The rows of a statement on this thread's connection."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def backend() -> int:
    """The process that serves this thread's connection."""
    return int(run("SELECT pg_backend_pid()")[0][0])


class Database:
    """The server's database under an alias of Django's, and a superuser's connection beside it."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._admin: Any = None

    def configure(
        self, *, engine: str = POOLED, options: dict[str, Any] | None = None, port: int | None = None, **pool
    ) -> None:
        """Sets the alias's settings anew; ``pool`` goes to POOL. ``port`` is one of 127.0.0.1."""
        self.drop()
        connections.settings[ALIAS] = {
            "ENGINE": engine,
            "HOST": str(self.server.sockets) if port is None else "127.0.0.1",
            "PORT": port or "",
            "NAME": "dbpool",
            "USER": ROLE,
            "OPTIONS": {"connect_timeout": 5, **(options or {})},
            "POOL": {"max_size": 2, "timeout": 10, **pool},
        }
        connections.settings = connections.configure_settings(connections.settings)

    def drop(self) -> None:
        if ALIAS in connections.settings:
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.settings[ALIAS]
        registry.close(ALIAS)

    def admin(self, sql: str, *parameters) -> list[tuple[Any, ...]]:
        """Runs a statement as the superuser, in autocommit; returns its rows."""
        if self._admin is None or self._admin.closed:
            self._admin = psycopg2.connect(host=str(self.server.sockets), user="postgres", dbname="dbpool")
            self._admin.autocommit = True
        with self._admin.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def sessions(self) -> int:
        """How many connections PostgreSQL counts for our role."""
        return int(self.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", ROLE)[0][0])

    def settles_at(self, sessions: int) -> bool:
        """Whether there are so many, once PostgreSQL has noticed which have gone."""
        deadline = time.monotonic() + 30
        while self.sessions() != sessions:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def kill_all(self) -> int:
        """Ends all of our role's sessions; returns how many there were, after they have gone."""
        ended = self.admin(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", ROLE
        )
        return len(ended)

    def restart(self) -> None:
        self.disconnect_admin()
        self.server.stop()
        self.server.start()

    def disconnect_admin(self) -> None:
        if self._admin is not None:
            self._admin.close()
        self._admin = None


@pytest.fixture
def database(server: Postgres, django_db_blocker) -> Iterator[Database]:
    """The alias `pooled`: two connections, ten seconds of patience, an empty table `note`."""
    database = Database(server)
    with django_db_blocker.unblock():
        database.admin("DROP TABLE IF EXISTS note")
        database.admin(f"CREATE TABLE note (id bigint, text text); ALTER TABLE note OWNER TO {ROLE}")
        database.configure()
        yield database
        database.drop()
        database.disconnect_admin()


@pytest.fixture(params=[STOCK, POOLED])
def engine(request, database: Database) -> str:
    """Has a test hold for Django's own backend and for ours; gives the name."""
    database.configure(engine=request.param)
    return str(request.param)


@pytest.fixture
def threads():
    """Runs a function in a thread that closes its connections at the end; gives its future."""
    with ThreadPoolExecutor(64) as executor:

        def start(function, *parameters):
            def run():
                try:
                    return function(*parameters)
                finally:
                    connections.close_all()

            return executor.submit(run)

        yield start
