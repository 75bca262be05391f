"""`make run`: its refusals, its environment, and the end of its processes."""

import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from deploy.local import run
from deploy.local.services import ServiceError


def test_a_busy_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"port {port} is in use .* PORT={port + 1}"):
            run.free_addresses(port)


def test_a_port_that_a_server_has_just_left_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    assert run.free_addresses(port)[0] == f"127.0.0.1:{port}"


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "80a", "٨٠", "8000 "])
def test_what_is_not_a_port_is_named(text: str) -> None:
    with pytest.raises(ServiceError, match="is not a port"):
        run.parse_port(text)


def test_a_second_copy_on_the_same_data_reports_the_holder(tmp_path: Path) -> None:
    refused = pytest.raises(ServiceError, match=r"already running .*process \d+")
    with run.lock(tmp_path / "run.lock"), refused, run.lock(tmp_path / "run.lock"):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with run.lock(tmp_path / "run.lock"):
            pass


def test_a_disk_that_is_nearly_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 5 << 20))
    with pytest.raises(ServiceError, match=r"nearly full: .* has 5 MB left"):
        run.check_disk(tmp_path)


def test_the_secret_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = run.secret_key(tmp_path / "secret_key")
    secret = path.read_text()
    assert len(secret) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run.secret_key(path).read_text() == secret


def test_the_shell_of_the_person_does_not_reach_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", "*")
    monkeypatch.setenv("DATABASE_PASSWORD", "of another project")
    env = run.environment(tmp_path, 8123, tmp_path / "run", None, ["127.0.0.1:8123"])
    assert env["DEBUG"] == "false"
    assert env["DATABASE_PASSWORD"] == ""
    assert env["SITE_URL"] == "http://localhost:8123"


class Running:
    """A server that runs."""

    log = Path("postgres.log")

    def running(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["the web server", "the worker"])
def test_a_process_of_the_site_that_ends_stops_the_rest_and_is_named(name: str, tmp_path: Path) -> None:
    site = {each: subprocess.Popen(["sleep", "60"]) for each in ("the web server", "the worker")}
    try:
        site[name].kill()
        site[name].wait()
        ended = pytest.raises(ServiceError, match=rf"{name} has ended \(exit code -9\)")
        with ended, socket.create_server(("127.0.0.1", 0)) as taken:
            run.watch(taken.getsockname()[1], site, Running(), None, tmp_path)  # type: ignore[arg-type]
    finally:
        run.stop_all(list(site.values()))
    assert all(process.returncode in (-signal.SIGKILL, -signal.SIGTERM) for process in site.values())


def test_a_process_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STOP_SECONDS", 0.1)
    program = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    )
    deaf = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    willing = subprocess.Popen(["sleep", "60"])
    assert deaf.stdout is not None
    deaf.stdout.readline()
    run.stop_all([deaf, willing])
    deaf.stdout.close()
    assert (deaf.returncode, willing.returncode) == (-signal.SIGKILL, -signal.SIGTERM)
