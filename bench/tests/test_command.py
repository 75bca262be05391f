"""`python -m bench`: the list of subjects, and one line for whatever is missing."""

import importlib
import os
from types import SimpleNamespace

import pytest

from bench import __main__ as command
from bench.lib import report
from bench.peers import rounds


def test_without_a_subject_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    command.main([])
    printed = capsys.readouterr().out
    assert "make bench SUBJECT=" in printed
    for subject in ("commandqueue", "instructions", "members", "pagecache", "timelines", "writes"):
        assert f"\n  {subject} " in printed


def test_every_subject_says_what_it_needs() -> None:
    for subject in command.subjects():
        module = importlib.import_module(f"bench.{subject}")
        assert isinstance(module.PROGRAMS, tuple)
        assert isinstance(module.MODULES, tuple)


@pytest.mark.parametrize(
    "needs",
    [
        {"PROGRAMS": ("no-such-program",), "MODULES": ()},
        {"PROGRAMS": (), "MODULES": ("no_such_module",)},
    ],
)
def test_what_is_missing_is_named_with_the_way_to_install_it(needs: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(
        SystemExit, match=r"no.such.\w+ is not installed; `make bench SUBJECT=dbpool` installs"
    ):
        command.check_needs(SimpleNamespace(**needs), "dbpool")  # type: ignore[arg-type]


def missing_module(name: str) -> SimpleNamespace:
    def run(*, size: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return SimpleNamespace(PROGRAMS=(), MODULES=(), run=run)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda _: missing_module("uv.tool"))
    with pytest.raises(SystemExit, match=r"^bench: uv\.tool is not installed"):
        command.main(["timelines"])


def test_what_is_not_committed_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda _: missing_module("apps.nothing"))
    monkeypatch.setattr(report, "commit", lambda: "0123abc-dirty")
    with pytest.raises(SystemExit, match="commit your changes first"):
        command.main(["timelines", "--publish"])


def ran(*_: object, **options: object) -> None:
    raise AssertionError("it was measured")


def test_on_a_busy_machine_nothing_is_measured_to_be_published(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = SimpleNamespace(PROGRAMS=(), MODULES=(), run=ran)
    monkeypatch.setattr(importlib, "import_module", lambda _: subject)
    monkeypatch.setattr(rounds, "run", ran)
    monkeypatch.setattr(report, "commit", lambda: "0123abc")
    monkeypatch.setattr(os, "getloadavg", lambda: (1.6, 0.0, 0.0))
    for publish in (
        lambda: command.main(["timelines", "--publish"]),
        lambda: rounds.main(["peer", "python", "--publish"]),
    ):
        with pytest.raises(SystemExit, match=r"busy \(load average 1\.6\): measure again when it is quiet"):
            publish()
    # For oneself, and on a quiet machine, it is.
    with pytest.raises(AssertionError, match="it was measured"):
        command.main(["timelines"])
    monkeypatch.setattr(os, "getloadavg", lambda: (1.4, 20.0, 20.0))
    with pytest.raises(AssertionError, match="it was measured"):
        command.main(["timelines", "--publish"])


def test_a_missing_module_of_our_own_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda _: missing_module("apps.nothing"))
    with pytest.raises(ModuleNotFoundError):
        command.main(["timelines"])
