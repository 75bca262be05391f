"""gunicorn with the site, on the test's database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from deploy.local import services
from tests.support.http import request


@contextmanager
def served(
    *,
    memcached: str,
    workers: int = 2,
    variables: Mapping[str, str] | None = None,
    port: int = 0,
    host: str = "localhost",
    patient: bool = False,
    checkout: Path = settings.BASE_DIR,
) -> Iterator[int]:
    """Runs the site, with more environment ``variables``; yields its port, a free one unless it is given.

    ``host`` is the one in its SITE_URL. ``patient`` is for tests that do not hurt memcached: see
    `tests.support.patient_settings`. ``checkout`` is the folder of the code, possibly of another release.

    The test needs transaction=True, so that gunicorn sees its rows.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "BIND": f"127.0.0.1:{port}",
        "WEB_WORKERS": str(workers),
        "DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "MEMCACHED_SERVERS": memcached,
        "SITE_URL": "http://localhost:8000",
        "DJANGO_SETTINGS_MODULE": "tests.support.patient_settings" if patient else "kwippy.settings",
        "STATIC_MANIFEST": "0",
        "STATIC_ROOT": str(settings.STATICFILES_DIRS[0]),
    }
    command = [sys.executable, "-m", "gunicorn", "kwippy.wsgi", "-c", "deploy/gunicorn.conf.py"]
    server = subprocess.Popen(command, env=environment | dict(variables or {}), cwd=checkout)
    try:
        _wait(port, host)
        yield port
    finally:
        # Its workers are killed: their orderly end takes most of a second, and nothing here asks for it.
        server.send_signal(signal.SIGQUIT)
        for pid in services.descendants(server.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait(timeout=30)
        # PostgreSQL ends the sessions a little later, and would not drop a database in use.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def _wait(port: int, host: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            if request(port, "/livez", ("Host", host), ("X-Forwarded-Proto", "https")).status == 200:
                return
        time.sleep(0.02)
    raise TimeoutError("gunicorn does not respond")
