"""Workers in processes of their own, so that they can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)


@contextmanager
def worker(
    *arguments: str, smtp_port: int = 1, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py runworker` on the test database, sending to a port of 127.0.0.1; killed at the end.

    ``variables`` are added to its environment.
    """
    environment = os.environ | {
        "DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "MAIL_DIR": "",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_TLS": "false",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "manage.py", "runworker", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment | dict(variables or {}))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
