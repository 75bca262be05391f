"""A PostgreSQL of the benchmarks' own, kept in var/bench so that a second run need not fill it again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.postgres import ROLE, Postgres

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def postgres(*names: str) -> Iterator[None]:
    """Runs a server with these databases, made where there are none, and points Django at the first.

    Django must not be set up yet; `use` points it at another.
    """
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    server = Postgres(folder / "postgres", sockets=folder / "run", durable=False)
    server.start()
    try:
        for name in names:
            server.create_database(name)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "SECRET_KEY": "only for benchmarks, which nobody signs in to, but long enough",
            "SITE_URL": "http://localhost:8000",
            "DATABASE_HOST": str(server.sockets),
            "DATABASE_NAME": names[0],
            "DATABASE_USER": ROLE,
            "DATABASE_STATEMENT_TIMEOUT_MS": "0",
            "LOG_LEVEL": "WARNING",
            "LOG_FORMAT": "console",
        }
        yield
    finally:
        server.stop()


def use(name: str) -> None:
    """Points Django, which is set up, at another of the databases."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
