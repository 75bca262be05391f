"""The first thing that runs in a fresh clone."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import bootstrap


def test_an_old_python_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 2))
    assert bootstrap.main(["requirements-local.txt"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Python 3.12 or newer is needed" in error


def works(python: str) -> bool:
    """Whether a Python of that name is installed; a shim by that name is not enough."""
    try:
        return subprocess.run([python, "-V"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_old_pythons_parse_the_file_and_report_their_version() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 7))
    for python in filter(works, ("python3.6", "python3.8", "python3.9", "python3.11")):
        command = [python, bootstrap.__file__, "requirements-local.txt"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 1
        assert answer.stderr.startswith("kwippy: Python 3.12 or newer is needed")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A checkout with empty requirement files; gives the commands that were run in it."""
    for name in bootstrap.REQUIREMENTS:
        (tmp_path / name).write_text("")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "installed.json")
    commands: list[list[str]] = []

    def call(command: list[str], **_options: object) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    return commands


def test_packages_are_installed_again_only_when_their_file_has_changed(
    checkout: list[list[str]], tmp_path: Path
) -> None:
    bootstrap.install_requirements("requirements-local.txt")
    bootstrap.install_requirements("requirements-local.txt")
    assert len(checkout) == 1
    assert "--require-hashes" in checkout[0]
    (tmp_path / "requirements-local.txt").write_text("# changed\n")
    bootstrap.install_requirements("requirements-local.txt")
    assert len(checkout) == 2


def test_what_the_tests_install_is_enough_to_run(checkout: list[list[str]]) -> None:
    bootstrap.install_requirements("requirements-dev.txt")
    bootstrap.install_requirements("requirements-local.txt")
    assert len(checkout) == 1


@pytest.mark.usefixtures("checkout")
def test_a_missing_program_is_one_line_and_what_goes_without_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    bootstrap.provide_program("chromium")
    assert capsys.readouterr().out == "chromium is not installed: tests in a browser are left out.\n"


@pytest.mark.usefixtures("checkout")
def test_in_ci_a_missing_program_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    with pytest.raises(bootstrap.MissingError, match="chromium is not installed"):
        bootstrap.provide_program("chromium")


def test_what_is_installed_starts_no_service_and_ones_own_policy_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(bootstrap, "POLICY", policy)
    with bootstrap.no_service_started():
        assert subprocess.run([policy, "nginx", "start"], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("mine")
    with bootstrap.no_service_started():
        assert policy.read_text() == "mine"
    assert policy.read_text() == "mine"
