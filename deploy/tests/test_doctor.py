"""deploy/doctor, deploy/status, deploy/backup --check, and an upgrade that the doctor refuses."""

import subprocess
from typing import Any

import pytest

from deploy.tests.machine import CALLS, NEW, OLD, WEB, Machine, container, is_whole


def told(machine: Machine) -> list[list[str]]:
    """The lines that the script gave to manage.py doctor."""
    return [line.split("\t") for line in machine.state["told"].splitlines()]


@pytest.fixture
def whole(machine: Machine) -> Machine:
    services = [container(name, 1) for name in ("postgres", "memcached", "nginx")]
    machine.set(containers=[*machine.state["containers"], *services])
    return machine


def test_a_site_that_is_well_is_told_to_be(whole: Machine) -> None:
    done = whole.run("doctor")
    assert done.returncode == 0, done.stderr
    assert [line[0] for line in told(whole)] == ["OK", "OK"]


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({"health": {"web": "unhealthy"}}, "WRONG", "web is unhealthy"),
        ({"health": {"web": "starting"}}, "WARN", "web is starting"),
        ({"restarts": 7}, "WARN", "was restarted 7 times"),
        ({"site": "502"}, "WRONG", "/readyz by nginx: 502"),
        ({"failing": ["sh"]}, "WRONG", "/readyz by nginx: no answer"),
    ],
)
def test_a_container_that_is_not_well_is_told(
    whole: Machine, changed: dict[str, Any], state: str, said: str
) -> None:
    whole.set(**changed)
    assert whole.run("doctor").returncode == 0
    assert [line for line in told(whole) if line[0] == state and said in line[2] and line[3]]


def test_services_that_do_not_run_and_two_releases_at_once(machine: Machine) -> None:
    machine.set(containers=[container("web", 1), container("worker", 1, image=NEW)])
    machine.run("doctor")
    lines = told(machine)
    missing = [line[2] for line in lines if line[0] == "WRONG" and line[1] == "containers"]
    assert missing == ["postgres does not run", "memcached does not run", "nginx does not run"]
    assert [line[2] for line in lines if line[1] == "release"] == [f"several run: {NEW} {OLD}"]


@pytest.mark.parametrize(
    ("status", "complaint", "said"),
    [
        (1, "CommandError: 2 WRONG\n", "2 WRONG"),
        (1, "WRONG        disk: full\nCommandError: the mail was not sent\n", "disk: full"),
        (1, "no such image\n", "FAILED while asking manage.py doctor"),
        (125, "no such image\n", "no such image"),
    ],
)
def test_the_exit_status_is_the_doctors_and_no_failure_is_silent(
    whole: Machine, status: int, complaint: str, said: str
) -> None:
    whole.set(doctor=status, complaint=complaint)
    done = whole.run("doctor")
    assert done.returncode == status
    assert said in done.stderr


def test_the_daily_run_of_a_site_that_is_well_prints_nothing(whole: Machine) -> None:
    done = whole.run("doctor", "--daily")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_status_names_each_container_and_what_does_not_run(machine: Machine) -> None:
    done = machine.run("status")
    assert done.returncode == 0, done.stderr
    assert f"web          {OLD}, healthy since 2026-01-02 03:04 UTC" in done.stdout
    assert "nginx        does not run" in done.stdout


def test_the_sender_of_the_log_is_looked_at_where_a_site_has_it(whole: Machine) -> None:
    whole.set(services=[*whole.state["services"], "syslog"])
    whole.run("doctor")
    assert [line[2] for line in told(whole) if line[0] == "WRONG"] == ["syslog does not run"]
    assert "syslog       does not run" in whole.run("status").stdout
    whole.set(containers=[*whole.state["containers"], container("syslog", 1)], health={"syslog": "unhealthy"})
    whole.run("doctor")
    assert [line[2] for line in told(whole) if line[0] == "WRONG"] == ["syslog is unhealthy"]
    assert "syslog       kwippy:old, unhealthy" in whole.run("status").stdout


def test_a_container_that_goes_while_it_is_looked_at_ends_neither_doctor_nor_status(whole: Machine) -> None:
    whole.set(going=["web0", "nginx1"])
    done = whole.run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:3] for line in told(whole)] == [
        ["WRONG", "containers", "nginx does not run"],
        ["OK", "release", OLD],
        ["OK", "site", "nginx and web answer"],
    ]
    done = whole.run("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("web          ") == 1
    assert "worker       kwippy:old" in done.stdout


# ── Upgrades ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def refusing(machine: Machine) -> Machine:
    """A release whose doctor finds something that must stop an upgrade."""
    command = machine.folder / "kwippy/management/commands/doctor.py"
    command.parent.mkdir(parents=True)
    command.touch()
    python = machine.folder / "bin/python"
    python.write_text('#!/bin/sh\necho "WRONG disk: full $*"\nexit 1\n')
    python.chmod(0o755)
    return machine


def test_an_upgrade_does_not_begin_if_the_doctor_says_so(refusing: Machine) -> None:
    done = refusing.run("upgrade")
    assert done.returncode == 1
    is_whole(refusing, OLD)
    assert "WRONG disk: full manage.py doctor --before-upgrade" in done.stderr
    assert "nothing has changed" in done.stderr
    assert [call.split()[0] for call in refusing.state["calls"]] == ["run"]


def test_an_operator_may_begin_all_the_same(refusing: Machine) -> None:
    done = refusing.run("upgrade", ANYWAY="yes")
    assert done.returncode == 0, done.stderr
    is_whole(refusing, NEW)


@pytest.mark.parametrize("number", range(1, CALLS))
def test_what_a_killed_upgrade_left_is_repaired_even_if_the_doctor_says_no(
    refusing: Machine, number: int
) -> None:
    refusing.set(kill_after=number)
    assert refusing.run("upgrade", ANYWAY="yes").returncode == -9
    refusing.set(kill_after=0)
    begun = "phase=retiring" in (refusing.folder / ".upgrade").read_text()
    done = refusing.run("upgrade")
    if begun:
        assert done.returncode == 0, done.stderr
        is_whole(refusing, NEW)
        return
    assert "WRONG disk: full" in done.stderr
    assert [(one["image"], one["running"]) for one in refusing.of("web")] == [(OLD, True)] * WEB


# ── A backup that is checked ─────────────────────────────────────────────────────────────────────


def test_a_good_backup_is_restored_beside_the_site_and_noted(machine: Machine) -> None:
    assert machine.run("backup", "kept").returncode == 0
    assert (machine.folder / "operations/backup").read_text().endswith("/kept\n")
    machine.set(databases={"kwippy": "written since"})
    done = machine.run("backup", "--check", "kept")
    assert done.returncode == 0, done.stderr
    assert "1 tables have the rows that they had" in done.stderr
    assert "to check it" in (machine.folder / "operations/restored").read_text()
    assert (machine.state["scratch"], machine.state["databases"]) == ({}, {"kwippy": "written since"})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scratch_keeps": 3}, "comparing the rows"),
        ({"failing": ["pg_restore"]}, "restoring the database"),
        ({"failing": ["scratch"]}, "starting a PostgreSQL beside the site"),
        ({"ready": False}, "starting a PostgreSQL beside the site"),
    ],
)
def test_a_backup_that_is_not_good_is_not_noted_and_nothing_is_left(
    machine: Machine, changed: dict[str, Any], said: str
) -> None:
    assert machine.run("backup", "kept").returncode == 0
    machine.set(**changed)
    done = machine.run("backup", "--check", "kept")
    assert done.returncode != 0
    assert f"FAILED while {said}" in done.stderr
    assert "NOT known to be good" in done.stderr
    assert not (machine.folder / "operations/restored").exists()
    assert machine.state["scratch"] == {}


def test_a_backup_of_before_the_counts_is_restored_all_the_same(machine: Machine) -> None:
    assert machine.run("backup", "kept").returncode == 0
    (machine.folder / "kept/counts").unlink()
    files = "database.dump media.tar media.since.tar"
    command = f"sha256sum {files} >SHA256SUMS"
    subprocess.run(command, shell=True, cwd=machine.folder / "kept", check=True)
    done = machine.run("backup", "--check", "kept")
    assert done.returncode == 0, done.stderr
    assert "counted no rows" in done.stderr


def test_a_damaged_backup_is_found_before_anything_is_started(machine: Machine) -> None:
    assert machine.run("backup", "kept").returncode == 0
    (machine.folder / "kept/database.dump").write_text("cut")
    machine.set(calls=[])
    done = machine.run("backup", "--check", "kept")
    assert "FAILED while checking the sums" in done.stderr
    assert machine.state["calls"] == []
    assert machine.run("backup", "--check").returncode == 2
