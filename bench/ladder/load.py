"""One turn of load: wrk sends the requests of a file, on the other core, and says what it saw."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lib.processes import other_cores

SCRIPT = Path(__file__).with_name("load.lua")
CLIENTS = 8
# In a body: replaced by a new form key each time that the request is sent.
FORM_KEY = "FORM_KEY"


@dataclass(frozen=True, slots=True)
class Request:
    """``address`` is what the client's proxy says of it: limits count by it."""

    path: str
    cookie: str = ""
    method: str = "GET"
    address: str = ""
    body: str = ""

    @property
    def line(self) -> str:
        return "\t".join([self.method, self.path, self.cookie, self.address, self.body])


@dataclass(frozen=True, slots=True)
class Seen:
    """``refused`` were answered with a status of 400 or more, ``broken`` not at all. Latency in ms."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second that were not errors."""
        return max(0, self.requests - self.refused) / self.seconds


def send(
    port: int,
    requests: Sequence[Request],
    folder: Path,
    *,
    seconds: int,
    seed: int,
    clients: int = CLIENTS,
) -> Seen:
    """Sends the requests in turns by so many clients, each of which waits for its answer."""
    file = folder / "requests"
    file.write_text("".join(f"{request.line}\n" for request in requests))
    cores = ",".join(map(str, sorted(other_cores())))
    command = ["taskset", "-c", cores, str(shutil.which("wrk")), "-t1", f"-c{clients}", f"-d{seconds}s"]
    command += ["--timeout", "20s", "-H", "Accept-Encoding: gzip", "-s", str(SCRIPT)]
    command += [f"http://localhost:{port}/", str(file), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return parsed(done.stdout)


def parsed(printed: str) -> Seen:
    """What `load.lua` printed. Raises SystemExit where it printed nothing."""
    for line in printed.splitlines():
        if line.startswith("ladder "):
            requests, micros, refused, broken, p50, p99 = map(int, line.split()[1:])
            return Seen(requests, micros / 1e6, refused, broken, p50 / 1000, p99 / 1000)
    raise SystemExit(f"bench: wrk failed\n{printed}")
