"""A memcached on a Unix socket that only our user can reach."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from deploy.local import services
from deploy.local.services import ServiceError

START_SECONDS = 10.0


class Memcached:
    """One server with its socket in `sockets`, a short path as `services.socket_directory` gives."""

    def __init__(self, sockets: Path, *, name: str = "memcached", megabytes: int = 64) -> None:
        self.socket = sockets / f"{name}.sock"
        self.megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Where memcached is installed, if it is."""
        # Debian installs it to /usr/bin, other systems to a directory of root's PATH.
        return shutil.which("memcached") or shutil.which("memcached", path="/usr/sbin:/sbin")

    @property
    def address(self) -> str:
        """The server as MEMCACHED_SERVERS names it."""
        return f"unix:{self.socket}"

    def start(self) -> None:
        """Start the server and return when it answers; raises ServiceError if it doesn't."""
        program = self.program()
        if program is None:
            raise ServiceError("memcached is not installed")
        self.socket.unlink(missing_ok=True)
        command = [program, "-s", str(self.socket), "-a", "700", "-m", str(self.megabytes), "-U", "0"]
        self._process = services.start(command, death_signal=signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError("memcached did not start")
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        """The process id of the server; 0 while it does not run."""
        return self._process.pid if self._process else 0

    def running(self) -> bool:
        """Whether the server that we started is still running."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Kill the server: its data is a cache, and SIGTERM would take a second."""
        if self._process is not None:
            services.stop(self._process, signal.SIGKILL)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"version\r\n")
                return connection.recv(64).startswith(b"VERSION")
            except OSError:
                return False
