"""An empty database for a bench, on the server of the tests."""

import os
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from django.conf import settings

from deploy.local.postgres import ROLE, SUPERUSER


@pytest.fixture
def empty_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment names it."""
    name = f"bench_{os.getpid()}"
    where = {"host": settings.DATABASES["default"]["HOST"], "user": SUPERUSER, "dbname": "postgres"}
    with closing(psycopg2.connect(**where)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" OWNER {ROLE}')
            monkeypatch.setenv("DATABASE_NAME", name)
            yield
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
