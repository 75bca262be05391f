"""A PostgreSQL that tests may kill, and manage.py."""

from collections.abc import Iterator

import pytest

from deploy.local.postgres import Postgres
from tests.support.forked_manage import Manage, forked_manage
from tests.support.private_postgres import manage as manage_with


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL with an empty site; tests may kill it."""
    directory = tmp_path_factory.mktemp("faults")
    # Durable: commits survive a kill.
    server = Postgres(directory / "postgres", sockets=directory / "run")
    server.start()
    server.create_database("kwippy")
    manage_with(server, "migrate", "--verbosity=0")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def manage() -> Iterator[Manage]:
    """Runs manage.py in the environment that it is given, and no other."""
    with forked_manage() as manage:
        yield manage
