"""A PostgreSQL of the benchmarks' own, kept in var/bench so that a second run need not fill it again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.postgres import ROLE, Postgres

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def postgres(name: str) -> Iterator[None]:
    """Runs a server and points Django at its database ``name``, which is made where there is none.

    Django must not be set up yet, or be used for one database after another through `use`.
    """
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    server = Postgres(folder / "postgres", sockets=folder / "run", durable=False)
    server.start()
    try:
        server.create_database(name)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "SECRET_KEY": "only for benchmarks, which nobody signs in to, but long enough",
            "SITE_URL": "http://localhost:8000",
            "DATABASE_HOST": str(server.sockets),
            "DATABASE_NAME": name,
            "DATABASE_USER": ROLE,
            "DATABASE_STATEMENT_TIMEOUT_MS": "0",
            "LOG_LEVEL": "WARNING",
            "LOG_FORMAT": "console",
        }
        yield
    finally:
        server.stop()
