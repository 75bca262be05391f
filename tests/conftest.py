"""A PostgreSQL that tests may kill."""

from collections.abc import Iterator

import pytest

from deploy.local.postgres import Postgres
from tests.support.private_postgres import manage


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL with an empty site; tests may kill it."""
    directory = tmp_path_factory.mktemp("faults")
    # Durable: commits survive a kill.
    server = Postgres(directory / "postgres", sockets=directory / "run")
    server.start()
    server.create_database("kwippy")
    manage(server, "migrate", "--verbosity=0")
    yield server
    server.stop()
