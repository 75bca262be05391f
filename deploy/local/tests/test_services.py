"""Local servers: PostgreSQL, memcached, and their end when this process is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from deploy.local import services
from deploy.local.memcached import Memcached
from deploy.local.postgres import ROLE, Postgres
from deploy.local.services import ServiceError

ROOT = Path(__file__).resolve().parents[3]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", sockets=tmp_path / "run", durable=False)
    yield server
    server.stop()


def test_postgresql_runs_below_a_directory_that_only_we_may_enter(tmp_path: Path, postgres: Postgres) -> None:
    tmp_path.chmod(0o700)
    postgres.start()
    assert postgres.create_database("site")
    with psycopg2.connect(host=str(postgres.sockets), user=ROLE, dbname="site") as connection:
        assert connection.server_version // 10000 == 18
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_an_existing_database_is_left_alone(postgres: Postgres) -> None:
    postgres.start()
    assert postgres.create_database("site")
    assert not postgres.create_database("site")


def test_a_second_server_on_the_same_data_is_refused(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.postgres.PREDECESSOR_SECONDS", 0.1)
    postgres.start()
    with pytest.raises(ServiceError, match=r"process \d+\) already runs"):
        Postgres(tmp_path / "postgres", sockets=tmp_path / "run").start()


def test_a_lock_file_of_a_dead_server_does_not_stop_the_next(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    # The pid now belongs to another live process: this one.
    (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n")
    postgres.start()
    assert postgres.running()


def test_an_interrupted_initdb_is_begun_anew(postgres: Postgres) -> None:
    unfinished = postgres.data.with_name("data.unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert postgres.running()


def test_the_reason_why_postgresql_does_not_start_is_reported(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServiceError, match=r"FATAL: .*incompatible"):
        postgres.start()


def test_sockets_move_where_a_path_is_too_long_for_them(tmp_path: Path) -> None:
    directory = services.socket_directory(tmp_path / ("long" * 30))
    try:
        assert len(str(directory)) < 60
        assert directory == services.socket_directory(tmp_path / ("long" * 30))
    finally:
        directory.rmdir()


def test_sockets_move_where_a_comma_would_mean_two_hosts(tmp_path: Path) -> None:
    directory = services.socket_directory(tmp_path / "a,b")
    directory.rmdir()
    assert "," not in str(directory)


@pytest.mark.skipif(Memcached.program() is None, reason="memcached is not installed")
def test_memcached_stops_and_takes_its_socket_along(tmp_path: Path) -> None:
    server = Memcached(services.socket_directory(tmp_path / "run"))
    server.start()
    assert server.socket.is_socket()
    server.stop()
    assert not server.running()
    assert not server.socket.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_postgresql_shuts_down_when_its_starter_is_killed(tmp_path: Path) -> None:
    program = f"""
        import os, pathlib, signal
        from deploy.local.postgres import Postgres
        here = pathlib.Path({str(tmp_path)!r})
        Postgres(here / "postgres", sockets=here / "run").start()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=False)
    lock_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    pid = int(lock_file.read_text().split()[0]) if lock_file.exists() else 0
    assert killed.returncode == -signal.SIGKILL
    assert gone_within(10, pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_spawned_command_ends_when_its_starter_is_killed() -> None:
    program = """
        import signal
        from deploy.local import services
        print(services.spawn(["sleep", "60"], death_signal=signal.SIGTERM).pid, flush=True)
        input()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert alive(pid)
    starter.kill()
    starter.communicate()
    assert gone_within(5, pid)
