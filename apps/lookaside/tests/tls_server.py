"""A memcached with TLS, and the certificate to verify it by."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local import services
from deploy.local.memcached import Memcached
from deploy.local.services import ServiceError


class TlsServer(NamedTuple):
    """``certificate`` is self-signed, for the name localhost."""

    port: int
    certificate: Path
    pid: int


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsServer]:
    """Runs a memcached with TLS on a port that it chooses; skips where memcached is built without TLS."""
    program = Memcached.program()
    if program is None or "--enable-ssl" not in subprocess.check_output([program, "-h"], text=True):
        pytest.skip("memcached is not installed, or built without TLS")
    folder = services.socket_directory(folder)
    certificate, key, port = folder / "tls.crt", folder / "tls.key", folder / "port"
    whose = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "30"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *whose, *files]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o644)  # the folder is closed to other accounts
    command = [
        "env",
        f"MEMCACHED_PORT_FILENAME={port}",
        program,
        "-l",
        "127.0.0.1",
        "-p",
        "-1",
        "-U",
        "0",
        "-Z",
    ]
    command += ["-o", f"ssl_chain_cert={certificate},ssl_key={key}"]
    process = services.start(command, death_signal=signal.SIGKILL)
    try:
        while not port.exists():
            if process.poll() is not None:
                raise ServiceError("memcached did not start")
            time.sleep(0.01)
        [number] = re.findall(r"TCP INET: (\d+)", port.read_text())
        yield TlsServer(int(number), certificate, process.pid)
    finally:
        services.stop(process, signal.SIGKILL)
