"""deploy/backup and deploy/restore: nothing is replaced before it has been read, and no failure is silent."""

import subprocess
from typing import Any

import pytest

from deploy.tests.machine import Machine


def test_a_backup_restores_what_was_there(machine: Machine) -> None:
    done = machine.run("backup", "kept")
    assert done.returncode == 0, done.stderr
    machine.set(databases={"kwippy": "written since"})
    (machine.folder / "media" / "face.webp").unlink()
    done = machine.run("restore", "kept")
    assert done.returncode == 0, done.stderr
    assert machine.state["databases"] == {"kwippy": "what people wrote"}
    assert (machine.folder / "media" / "face.webp").read_text() == "a picture"
    assert machine.state["ups"] > 0


@pytest.mark.parametrize("failing", ["pg_dump", "sh", "pg_restore"])
def test_a_backup_that_fails_says_so_and_leaves_nothing(machine: Machine, failing: str) -> None:
    machine.set(failing=[failing])
    done = machine.run("backup", "kept")
    assert done.returncode != 0
    assert "backup: FAILED while" in done.stderr
    assert "there is no backup" in done.stderr
    assert not list(machine.folder.glob("kept*"))


def test_a_backup_does_not_replace_another(machine: Machine) -> None:
    (machine.folder / "kept").mkdir()
    done = machine.run("backup", "kept")
    assert done.returncode == 1
    assert "is there already" in done.stderr


@pytest.mark.parametrize("name", ["database.dump", "media.tar", "media.since.tar"])
@pytest.mark.parametrize("sums", ["made anew", "as they were"])
def test_a_damaged_backup_is_refused_before_anything_is_replaced(
    machine: Machine, name: str, sums: str
) -> None:
    assert machine.run("backup", "kept").returncode == 0
    file = machine.folder / "kept" / name
    file.write_bytes(file.read_bytes()[:700] if name.endswith("tar") else file.read_bytes()[:-4])
    if sums == "made anew":
        subprocess.run(
            "sha256sum database.dump media.tar media.since.tar >SHA256SUMS",
            shell=True,
            cwd=machine.folder / "kept",
            check=True,
        )
    machine.set(databases={"kwippy": "written since"}, calls=[])
    done = machine.run("restore", "kept")
    assert done.returncode != 0
    assert "restore: FAILED while" in done.stderr
    assert "what ran before goes on" in done.stderr
    assert machine.state["databases"] == {"kwippy": "written since"}
    assert machine.state["stopped"] == []


@pytest.mark.parametrize(
    ("failing", "said", "database"),
    [
        ({"failing": ["tar"]}, "what ran before goes on", "written since"),
        ({"failing": ["stop"]}, "docker-compose up -d", "written since"),
        ({"failing_sql": "RENAME"}, "docker-compose up -d", "written since"),
        ({"failing": ["restart"]}, "the site is DOWN. To go on", "what people wrote"),
        (
            {"failing_sql": "DROP DATABASE kwippy_before"},
            "kwippy_before still takes space",
            "what people wrote",
        ),
    ],
    ids=[
        "no space for pictures",
        "can't be stopped",
        "can't be swapped",
        "memcached",
        "the old database stays",
    ],
)
def test_a_restore_that_fails_says_what_state_the_site_is_in(
    machine: Machine, failing: dict[str, Any], said: str, database: str
) -> None:
    assert machine.run("backup", "kept").returncode == 0
    machine.set(databases={"kwippy": "written since"}, **failing)
    done = machine.run("restore", "kept")
    assert done.returncode != 0
    assert said in done.stderr
    assert machine.state["databases"]["kwippy"] == database
    # After the obstacle is removed:
    machine.set(failing=[], failing_sql="")
    done = machine.run("restore", "kept")
    assert done.returncode == 0, done.stderr
    assert machine.state["databases"] == {"kwippy": "what people wrote"}
