"""The log reaches a log server by TLS; one that is away, slow, hangs or is a stranger stops nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy import prepare_release, send_logs
from deploy.local.edge import free_port
from deploy.rehearse import log_server

SENDER, SERVER = Path(send_logs.__file__), Path(log_server.__file__)


def message(number: int, text: str = "") -> bytes:
    """As Docker's syslog driver writes it, with the end of a line."""
    body = json.dumps({"number": number, "text": text}, ensure_ascii=False)
    head = f"<134>1 2026-01-02T03:04:05.000006Z machine kwippy_web_1 {number} kwippy_web_1 - "
    return (head + body).encode() + b"\n"


def until(condition: Callable[[], object], *processes: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)


@dataclass
class Place:
    """A log server and a sender, each a process with its output in a file."""

    folder: Path
    stack: ExitStack
    port: int = field(default_factory=free_port)
    host: str = "localhost"

    def __post_init__(self) -> None:
        for name, host in (("server", self.host), ("stranger", "localhost"), ("client", "client")):
            (self.folder / name).mkdir()
            prepare_release.certify(self.folder / name, host)
            files = [self.folder / name / file for file in ("fullchain.pem", "privkey.pem")]
            (self.folder / name / "both.pem").write_text("".join(file.read_text() for file in files))
        self.to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stack.enter_context(self.to)

    def _start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-SI", *command],
                stdout=output,
                stderr=output,
                env={"PATH": os.environ["PATH"], "TMPDIR": str(self.folder), **environment},
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def serve(self, authority: str = "") -> subprocess.Popen[bytes]:
        listening = self.log("server").count("listening\n") + 1
        files = [str(self.folder / "server" / name) for name in ("fullchain.pem", "privkey.pem")]
        process = self._start(
            "server", str(SERVER), str(self.port), *files, *([authority] if authority else [])
        )
        until(lambda: self.log("server").count("listening\n") == listening, process)
        return process

    def send_from(self, **environment: str) -> subprocess.Popen[bytes]:
        """Starts the sender, which trusts the log server's certificate unless told otherwise."""
        self.udp = free_port()
        trusted = {"SYSLOG_CA_FILE": str(self.folder / "server/fullchain.pem")}
        given = {"SYSLOG_SERVER": f"localhost:{self.port}", **trusted, **environment}
        listening = self.log("sender").count('"listening"') + 1
        process = self._start("sender", str(SENDER), str(self.udp), **given)
        until(lambda: self.log("sender").count('"listening"') == listening, process)
        return process

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def received(self) -> list[str]:
        """Of the last line, which may not be written whole, nothing."""
        return [line for line in self.log("server").split("\n")[:-1] if line.startswith("<")]

    def put(self, *lines: bytes) -> None:
        """In small parts, each taken before the next: the kernel drops what it has no room for."""
        for start in range(0, len(lines), 10):
            for line in lines[start : start + 10]:
                self.to.sendto(line, ("127.0.0.1", self.udp))
            until(lambda: not self.bytes_waiting())

    def bytes_waiting(self) -> int:
        """What the kernel holds for the sender."""
        rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()]
        [queues] = [row[4] for row in rows if row[1].endswith(f":{self.udp:04X}")]
        return int(queues.partition(":")[2], 16)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


def as_received(*lines: bytes) -> list[str]:
    return [line.decode().rstrip("\n") for line in lines]


@pytest.mark.asvs("16.4.3")
def test_each_line_arrives_once_and_in_order(place: Place) -> None:
    place.serve()
    sender = place.send_from()
    lines = [message(number, "grüße 😀" if number % 2 else "x" * 300) for number in range(300)]
    # Docker splits at 16 KB.
    lines.append(message(300, "y" * 16_384))
    place.put(*lines[:150], b"no message\n", b"", b"<134>not the format\n", *lines[150:])
    until(lambda: len(place.received()) >= len(lines), sender)
    assert place.received() == as_received(*lines)
    assert (place.folder / "send_logs.sent").exists()


def test_an_authority_made_by_hand_is_enough(place: Place) -> None:
    """By plain `openssl`: without the extensions that Python asks for by itself."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=place.folder / "server", check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new, "-subj", "/CN=ours", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *new, "-subj", "/CN=localhost", "-keyout", "privkey.pem", "-out", "csr.pem")
    (place.folder / "server" / "names").write_text("subjectAltName=DNS:localhost\n")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    openssl("x509", "-req", "-in", "csr.pem", *by, "-out", "fullchain.pem")
    place.serve()
    sender = place.send_from(SYSLOG_CA_FILE=str(place.folder / "server/ca.pem"))
    place.put(message(1))
    until(lambda: place.received() or "certificate" in place.log("sender"), sender)
    assert place.received() == as_received(message(1))


@pytest.mark.asvs("12.3.2", "16.4.3")
@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("another authority's", "certificate verify failed"),
        ("another host's", "not valid for 'localhost'"),
        ("an authority that the system does not know", "certificate verify failed"),
        ("a file that is none", "no certificate"),
    ],
)
def test_a_log_server_that_can_not_prove_who_it_is_gets_no_line(
    certificate: str, said: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        host = "other.example" if certificate == "another host's" else "localhost"
        place = Place(tmp_path, stack, host=host)
        (tmp_path / "none").write_text("no certificate\n")
        (tmp_path / "empty").write_text("\n")
        file = {
            "another authority's": "stranger/fullchain.pem",
            "another host's": "server/fullchain.pem",
            "an authority that the system does not know": "empty",
            "a file that is none": "none",
        }[certificate]
        place.serve()
        sender = place.send_from(SYSLOG_CA_FILE=str(tmp_path / file))
        place.put(message(1))
        until(lambda: "does not take the log" in place.log("sender"), sender)
        assert said in place.log("sender")
        assert place.received() == []
        assert not (tmp_path / "send_logs.sent").exists()


@pytest.mark.asvs("16.4.3")
def test_a_log_server_may_ask_for_a_certificate(place: Place) -> None:
    (place.folder / "empty").write_text("\n")
    place.serve(authority=str(place.folder / "client/fullchain.pem"))
    without = place.send_from(SYSLOG_CLIENT_FILE=str(place.folder / "empty"))
    place.put(message(1))
    until(lambda: "does not take the log" in place.log("sender"), without)
    assert place.received() == []
    without.kill()
    without.wait()
    (place.folder / "sender.log").unlink()
    place.send_from(SYSLOG_CLIENT_FILE=str(place.folder / "client/both.pem"))
    place.put(message(2))
    until(place.received)
    assert place.received() == as_received(message(2))


@pytest.mark.asvs("16.4.3")
def test_lines_wait_for_a_log_server_that_is_away(place: Place) -> None:
    lines = [message(number) for number in range(150)]
    sender = place.send_from()
    place.put(*lines[:50])
    until(lambda: "refused" in place.log("sender"), sender)
    server = place.serve()
    until(lambda: len(place.received()) >= 50, sender)
    server.kill()
    server.wait()
    # It notices without a line to send.
    until(lambda: "ended the connection" in place.log("sender") or "reset" in place.log("sender"), sender)
    place.put(*lines[50:100])
    place.serve()
    until(lambda: len(place.received()) >= 100, sender)
    place.put(*lines[100:])
    until(lambda: len(place.received()) >= 150, sender)
    assert place.received() == as_received(*lines)


@pytest.mark.asvs("16.4.3")
def test_a_log_server_that_hangs_costs_bounded_memory_and_the_newest_lines_at_most(place: Place) -> None:
    server = place.serve()
    sender = place.send_from(SYSLOG_BUFFER_MB="1")
    place.put(message(0))
    until(place.received, sender)
    os.kill(server.pid, signal.SIGSTOP)
    lines = [message(number, "x" * 8000) for number in range(1, 2000)]
    place.put(*lines)
    assert sender.poll() is None
    os.kill(server.pid, signal.SIGCONT)

    def goes_on() -> bool:
        place.put(message(2000))
        return '{"number": 2000' in place.log("server")

    until(goes_on, sender)
    numbers = [
        json.loads(line.split(" - ", 1)[1])["number"] for line in place.received() if "send_logs" not in line
    ]
    # What had begun when the server broke off may be there twice.
    assert list(dict.fromkeys(numbers))[:100] == list(range(100))
    assert len(set(numbers)) < 1500
    dropped = [json.loads(line.split(" - - ", 1)[1]) for line in place.received() if "send_logs" in line]
    assert sum(line["count"] for line in dropped if line["event"] == "lines dropped") > 400


def test_what_waits_is_bounded_and_what_is_left_out_is_counted() -> None:
    backlog = send_logs.Backlog(10_000)
    line = b"<134>1 " + b"x" * 93
    for _ in range(1000):
        backlog.put(line)
        assert backlog.size <= 10_000
    kept = 10_000 // (len(line) + send_logs.OVERHEAD)
    assert backlog.dropped == 1000 - kept
    first = backlog.first(0)
    assert first == [line] * kept
    # They stay until they were sent.
    assert backlog.first(0) == first
    backlog.sent(kept)
    assert backlog.size == 0
    backlog.put(b"<134>1 next")
    told, following = backlog.first(0)
    assert following == b"<134>1 next"
    assert json.loads(told.split(b" - - ", 1)[1]) == {"event": "lines dropped", "count": 1000 - kept}
    assert send_logs.MESSAGE.match(told)


def test_a_batch_is_small_and_begins_with_the_oldest() -> None:
    backlog = send_logs.Backlog(1_000_000)
    lines = [b"%d" % number + b"x" * 1000 for number in range(100)]
    for line in lines:
        backlog.put(line)
    found: list[bytes] = []
    while batch := backlog.first(0):
        assert sum(map(len, batch)) < send_logs.BATCH_BYTES + 2000
        found += batch
        backlog.sent(len(batch))
    assert found == lines


def test_it_ends_when_it_is_told_to_and_sends_what_waits_before(place: Place) -> None:
    place.serve()
    sender = place.send_from()
    until(lambda: '"connected"' in place.log("sender"), sender)
    lines = [message(number) for number in range(50)]
    place.put(*lines)
    sender.terminate()
    assert sender.wait() == 0
    until(lambda: len(place.received()) == len(lines))
    away = place.send_from(SYSLOG_SERVER=f"localhost:{free_port()}")
    away.terminate()
    assert away.wait() == 0


def test_it_is_healthy_while_the_log_server_takes_what_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(send_logs, "SENT", tmp_path / "sent")
    assert not send_logs.healthy()
    send_logs.SENT.touch()
    assert send_logs.healthy()
    long_ago = time.time() - send_logs.HEALTHY_SECONDS - 1
    os.utime(send_logs.SENT, (long_ago, long_ago))
    assert not send_logs.healthy()


@pytest.mark.parametrize(
    ("server", "size", "expected"),
    [
        ("", "16", "SYSLOG_SERVER must be HOST:PORT"),
        ("https://a.example", "16", "SYSLOG_SERVER must be HOST:PORT"),
        ("a.example:port", "16", "SYSLOG_SERVER must be HOST:PORT"),
        ("b@a.example:6514", "16", "SYSLOG_SERVER must be HOST:PORT"),
        ("a.example/x", "16", "SYSLOG_SERVER must be HOST:PORT"),
        (":6514", "16", "SYSLOG_SERVER must be HOST:PORT"),
        ("a.example", "0", "SYSLOG_BUFFER_MB must be a number"),
        ("a.example", "49", "SYSLOG_BUFFER_MB must be a number"),
        ("a.example", "all", "SYSLOG_BUFFER_MB must be a number"),
    ],
)
def test_a_setting_that_is_wrong_is_said(server: str, size: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-SI", str(SENDER), "0"],
        env={"PATH": os.environ["PATH"], "SYSLOG_SERVER": server, "SYSLOG_BUFFER_MB": size},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_needs_no_port() -> None:
    assert send_logs.address("logs.example") == ("logs.example", 6514)
    assert send_logs.address("[2001:db8::1]:601") == ("2001:db8::1", 601)
