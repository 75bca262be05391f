"""The mail server of all configurations, and how it answers now."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.lib import processes
from bench.lib.database import ROOT
from deploy.local.edge import free_port


class Mail:
    """A running `mail_server`. ``variables`` are the settings of the sites that deliver there."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self._mode = ""
        self.variables: Mapping[str, str] = {
            "MAIL_DIR": "",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_TLS": "false",
        }

    def become(self, mode: str) -> None:
        """Fast, slow or dead; returns when it is. Raises SystemExit if the server has ended."""
        if mode == self._mode:
            return
        assert self._process.stdin  # noqa: S101
        assert self._process.stdout  # noqa: S101
        self._process.stdin.write(f"{mode}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != mode:
            raise SystemExit("bench: the mail server ended")
        self._mode = mode


@contextmanager
def mail_server() -> Iterator[Mail]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.ladder.mail_server", str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        processes.pin(process.pid, processes.other_cores())
        mail = Mail(process, port)
        mail.become("fast")
        yield mail
    finally:
        process.kill()
        process.wait()
