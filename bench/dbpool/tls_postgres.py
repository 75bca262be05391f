"""PostgreSQL over TCP, TLS and SCRAM, by the system's own programs (those of the wheel have no TLS)."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from deploy.local import services
from deploy.local.edge import free_port
from deploy.local.postgres import ROLE, SUPERUSER

HBA = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
FILL = f"""
    CREATE TABLE note (id bigint PRIMARY KEY, author text, text text);
    INSERT INTO note
    SELECT n, 'ann', 'this and that, for the ' || n || '. time' FROM generate_series(1, 1000) n;
    ALTER TABLE note OWNER TO {ROLE};
    VACUUM ANALYZE note
"""


class Server:
    """Django's ``settings`` for the server, and a superuser's connection beside the measured ones."""

    def __init__(self, sockets: Path, port: int, password: str, pid: int) -> None:
        self.pid = pid
        self.settings = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "NAME": "postgres",
            "USER": ROLE,
            "PASSWORD": password,
        }
        self._admin = psycopg2.connect(host=str(sockets), port=port, user=SUPERUSER, dbname="postgres")
        self._admin.autocommit = True

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._admin.cursor() as cursor:
            for statement in sql.split(";"):
                cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def sessions(self, application_name: str) -> int:
        counted = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        return int(self.execute(counted, application_name)[0][0])


def programs() -> Path:
    """The newest PostgreSQL with TLS that is installed here, or the folder that BENCH_POSTGRES names."""
    if folder := os.environ.get("BENCH_POSTGRES"):
        return Path(folder)
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise SystemExit(
            "bench: the PostgreSQL of the virtual environment has no TLS; install the system's own (Debian:"
            " apt-get install postgresql), or name the folder of its programs: BENCH_POSTGRES=/path/bin"
        )
    return max(found, key=lambda path: int(path.parent.name))


@contextmanager
def tls_postgres(folder: Path) -> Iterator[Server]:
    """Runs a server of its own below the folder, with a table ``note``."""
    data, sockets = folder / "data", services.socket_directory(folder / "run")
    if not data.exists():
        make_cluster(data, folder / "initdb.log")
    port, password = free_port(), secrets.token_hex(16)
    words = command(data, sockets, port, make_certificate(folder / "tls"))
    process = services.start(words, death_signal=signal.SIGINT, log=folder / "postgres.log")
    try:
        server = connected(sockets, port, password, process.pid)
        server.execute(f"DROP TABLE IF EXISTS note; DROP ROLE IF EXISTS {ROLE}")
        server.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'")
        server.execute(FILL)
        yield server
    finally:
        services.stop(process, signal.SIGINT)


def make_cluster(data: Path, log: Path) -> None:
    services.private_directory(data)
    words = [str(programs() / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=reject", "--no-sync"]
    words += ["--encoding=UTF8", "--locale=C"]
    if services.start(words, death_signal=signal.SIGKILL, log=log).wait(120) != 0:
        shutil.rmtree(data)
        raise SystemExit(f"PostgreSQL could not make its data directory: {log}")


def command(data: Path, sockets: Path, port: int, tls: Path) -> list[str]:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": f'"{sockets}"',
        "hba_file": str(tls / "pg_hba.conf"),
        "ssl": "on",
        "ssl_cert_file": str(tls / "server.crt"),
        "ssl_key_file": str(tls / "server.key"),
        "password_encryption": "scram-sha-256",
        "fsync": "off",
    }
    words = [str(programs() / "postgres"), "-D", str(data)]
    for name, value in options.items():
        words += ["-c", f"{name}={value}"]
    return words


def make_certificate(folder: Path) -> Path:
    """A folder that the server can read, with a certificate, its key, and pg_hba.conf."""
    services.private_directory(folder)
    key, certificate, hba = folder / "server.key", folder / "server.crt", folder / "pg_hba.conf"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=localhost",
    ]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    hba.write_text(HBA)
    account = services.service_account()
    for path in (key, certificate, hba):
        path.chmod(0o600)
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)
    return folder


def connected(sockets: Path, port: int, password: str, pid: int) -> Server:
    """The server, as soon as it answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return Server(sockets, port, password, pid)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
