"""The operator's smaller scripts."""

import subprocess

import pytest

from deploy.tests.machine import DEPLOY, Machine


def test_a_certificate_is_for_the_domain_that_the_site_runs_with(machine: Machine) -> None:
    (machine.folder / ".env").write_text('DOMAIN="kwippy.example"\n')
    done = machine.run("certificate")
    assert done.returncode == 0, done.stderr
    asked = next(call for call in machine.state["calls"] if "certonly" in call)
    assert "--domain kwippy.example --email ops@kwippy.example" in asked
    # Its end is noted for the alert at once.
    assert machine.state["calls"][-1] == "run --rm --no-deps -T migrate python manage.py sitestatus"
    machine.set(doctor=1, complaint="no such image\n")
    done = machine.run("certificate")
    assert (done.returncode, done.stdout) == (0, "")
    assert "could not be noted down" in done.stderr
    machine.set(failing=["certonly"])
    done = machine.run("certificate")
    assert done.returncode != 0
    assert "the certificate is the one that was there before" in done.stderr


def test_maintenance_is_a_file_that_stays(machine: Machine) -> None:
    flag = machine.folder / "deploy/edge/maintenance"
    for _ in range(2):
        assert machine.run("maintenance", "on").returncode == 0
        assert flag.exists()
    for _ in range(2):
        assert machine.run("maintenance", "off").returncode == 0
        assert not flag.exists()
    assert machine.run("maintenance").returncode == 2


def test_a_rotation_that_fails_is_run_again(machine: Machine) -> None:
    assert machine.run("make-secrets").returncode == 0
    secrets = machine.folder / "secrets"
    first = (secrets / "secret_key").read_text()
    machine.set(ready=False)
    done = machine.run("rotate")
    assert done.returncode != 0
    assert "Go on: deploy/rotate" in done.stderr
    assert (secrets / "secret_key").read_text() == first
    machine.set(ready=True)
    done = machine.run("rotate")
    assert done.returncode == 0, done.stderr
    assert (secrets / "secret_key").read_text() != first
    assert (secrets / "secret_key_fallbacks").read_text() == first


def test_a_secret_that_a_release_adds_is_an_empty_file(machine: Machine) -> None:
    assert machine.run("make-secrets").returncode == 0
    secrets = machine.folder / "secrets"
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    (secrets / "inbound_imap_password").unlink()
    assert machine.run("upgrade").returncode == 0
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert before["inbound_imap_password"].strip() == ""


def test_secrets_that_are_lost_are_not_replaced_without_being_asked(machine: Machine) -> None:
    machine.run("upgrade")
    assert not (machine.folder / "secrets").exists()


@pytest.mark.parametrize(
    "script",
    [
        "upgrade",
        "backup",
        "check-backup",
        "restore",
        "build",
        "certificate",
        "doctor",
        "rotate",
        "status",
    ],
)
def test_every_script_is_plain_sh(script: str) -> None:
    done = subprocess.run(["sh", "-n", str(DEPLOY / script)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
