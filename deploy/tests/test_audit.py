"""`make audit`: its rules find what they are about, and what could not be checked is not called fine."""

import datetime
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.audit import __main__ as command
from deploy.audit import advisories, renewal
from deploy.audit.__main__ import ENVIRONMENT, ROOT, RULES, environment
from deploy.audit.report import Outcome, Result, worst

SAMPLES = RULES.parent / "samples"
NAMES = [rule["id"] for rule in yaml.safe_load(RULES.read_text())["rules"]]
MARK = re.compile(r"(ruleid|ok): ([\w-]+)")


@pytest.fixture(scope="module")
def program() -> Callable[[str], Path]:
    return environment()


@pytest.fixture(scope="module")
def found(
    program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> set[tuple[str, int, str]]:
    """What semgrep finds in the samples: file, line, rule."""
    folder = tmp_path_factory.mktemp("samples")
    for sample in SAMPLES.iterdir():
        shutil.copy(sample, folder / sample.stem)
    command = [
        str(program("semgrep")),
        "scan",
        "--metrics=off",
        "--disable-version-check",
        "--json",
        "--quiet",
    ]
    done = subprocess.run(
        [*command, "--no-git-ignore", "--config", str(RULES), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{ENVIRONMENT}/bin:/usr/bin:/bin", "HOME": str(folder)},
    )
    told = json.loads(done.stdout)
    assert told["errors"] == []
    return {
        (Path(one["path"]).name, one["start"]["line"], one["check_id"].rpartition(".")[2])
        for one in told["results"]
    }


def marked(kind: str) -> set[tuple[str, int, str]]:
    """The lines below a mark of this kind."""
    lines = [
        (sample.stem, number, match)
        for sample in SAMPLES.iterdir()
        for number, line in enumerate(sample.read_text().splitlines(), 2)
        for match in MARK.findall(line)
    ]
    return {(name, number, rule) for name, number, (which, rule) in lines if which == kind}


@pytest.mark.parametrize("rule", NAMES)
def test_each_rule_finds_the_bad_lines_of_its_sample_and_no_good_one(
    rule: str, found: set[tuple[str, int, str]]
) -> None:
    bad = {one for one in marked("ruleid") if one[2] == rule}
    assert bad
    assert {one for one in found if one[2] == rule} == bad


def test_there_are_good_lines_too_and_no_mark_is_about_an_unknown_rule() -> None:
    assert len(marked("ok")) >= len(NAMES) / 2
    assert {rule for _, _, rule in marked("ok") | marked("ruleid")} == set(NAMES)


def test_what_is_switched_off_beside_the_code_says_why() -> None:
    for file in (*ROOT.glob("apps/**/*.py"), *ROOT.glob("kwippy/**/*.py"), *ROOT.glob("deploy/**/*.py")):
        lines = file.read_text().splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            if re.search(r"# nosemgrep|# nosec", line) and file != Path(__file__):
                assert re.search(r"# (?:nosemgrep: [\w-]+|nosec B\d+)$", line), f"{file}: {line}"
                assert before.lstrip().startswith("#"), f"{file}: {line}"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of another environment, of nothing but a small lock."""
    monkeypatch.setattr(command, "ENVIRONMENT", tmp_path / "programs")
    monkeypatch.setattr(command, "REQUIREMENTS", tmp_path / "requirements.txt")
    command.REQUIREMENTS.write_text("")
    monkeypatch.setattr(renewal, "RECORD", tmp_path / "requirements.renewed")
    renewal.RECORD.write_text(f"{command._today()}\n")
    return command.ENVIRONMENT


def test_workers_that_need_the_programs_at_once_install_them_once_for_this_python(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    inside = threading.Semaphore(1)

    def uv(*words: str) -> None:
        assert inside.acquire(blocking=False), "two at once"
        asked.append(words)
        programs.mkdir(exist_ok=True)
        time.sleep(0.1)
        inside.release()

    monkeypatch.setattr(command, "_uv", uv)
    with ThreadPoolExecutor(4) as pool:
        made = [one.result() for one in [pool.submit(environment) for _ in range(4)]]
    assert [program("semgrep") for program in made] == [programs / "bin" / "semgrep"] * 4
    assert [words[0] for words in asked] == ["venv", "pip"]
    assert asked[0][1:] == ("--clear", "--python", sys.executable, str(programs))


def test_without_a_package_index_the_audit_is_not_checked(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.REQUIREMENTS.write_text(f"tea==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    assert command.main() == Outcome.NOT_CHECKED
    assert "NOT CHECKED: the audit's programs were not installed" in capsys.readouterr().out
    assert not (programs / "installed").exists()


def test_a_program_that_is_not_the_locked_one_is_a_finding(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "tea-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tea-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n")
        wheel.writestr("tea-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tea-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    command.REQUIREMENTS.write_text(f"tea==1.0 --hash=sha256:{'0' * 64}\n")
    assert command.main() == Outcome.FOUND
    assert not (programs / "installed").exists()


# ── Renewal ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("15.2.1")
@pytest.mark.parametrize(
    ("noted", "outcome", "told"),
    [
        ("2026-03-02\n", Outcome.FINE, "renewed on 2026-03-02, 90 days ago"),
        ("2026-03-01\n", Outcome.FOUND, "renewed on 2026-03-01, 91 days ago; 90 are promised"),
        ("2026-06-01\n", Outcome.NOT_CHECKED, "a day to come"),
        ("yesterday\n", Outcome.NOT_CHECKED, "Invalid isoformat"),
        (None, Outcome.NOT_CHECKED, "No such file"),
    ],
)
def test_requirements_that_are_older_than_promised_are_a_finding(
    tmp_path: Path, noted: str | None, outcome: Outcome, told: str
) -> None:
    record = tmp_path / "requirements.renewed"
    if noted is not None:
        record.write_text(noted)
    result = renewal.check(record, today=datetime.date(2026, 5, 31))
    assert result.outcome is outcome
    assert told in result.text


@pytest.mark.asvs("15.2.1")
def test_an_old_renewal_is_found_where_nothing_else_can_be_checked(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.REQUIREMENTS.write_text(f"tea==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    renewal.RECORD.write_text("2008-01-01\n")
    assert command.main() == Outcome.FOUND
    told = capsys.readouterr().out
    assert "renewal    FOUND" in told
    assert "NOT CHECKED: the audit's programs were not installed" in told


@pytest.mark.asvs("15.1.1")
def test_the_days_are_those_that_are_promised_and_the_day_is_noted_with_the_locks(tmp_path: Path) -> None:
    promised = (ROOT / "SECURITY.md").read_text().partition("**Time frames.**")[2].partition("\n\n")[0]
    assert f"within {renewal.DAYS} days" in promised
    assert re.search(r"severe\S* .*\b7 days", promised, re.DOTALL)
    datetime.date.fromisoformat(renewal.RECORD.read_text().strip())
    for arguments, noted in (((), False), (("RENEW=1",), True)):
        done = subprocess.run(
            ["make", "--dry-run", "lock", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert (f">{renewal.RECORD.name}" in done.stdout) == noted
        assert done.stdout.count("--upgrade") == 2 * noted
        assert done.stdout.count("pip compile") == 2


# ── Advisories ───────────────────────────────────────────────────────────────────────────────────


class Source:
    """An OSV server on loopback, whose answers a test chooses."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = b"{}"
        self.asked: list[dict[str, Any]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                source.asked.append(json.loads(sent))
                self.send_response(source.status)
                self.send_header("Content-Length", str(len(source.body)))
                self.end_headers()
                self.wfile.write(source.body)

            def log_message(self, *said: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"

    def knows(self, identifier: str, mended: str) -> None:
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": mended}]}]
        affected = [{"package": {"name": "tea", "ecosystem": "PyPI"}, "ranges": ranges}]
        fault = {
            "id": identifier,
            "summary": "it leaks",
            "affected": affected,
            "modified": "2026-01-01T00:00:00Z",
        }
        self.body = json.dumps({"vulns": [fault]}).encode()


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    thread = threading.Thread(target=source.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield source
    source.server.shutdown()
    source.server.server_close()
    thread.join()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(f"tea==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    return path


type Check = Callable[..., Result]


@pytest.fixture
def check(program: Callable[[str], Path], requirements: Path) -> Check:
    def check(url: str, **options: Any) -> Result:
        return advisories.check(program("pip-audit"), [requirements], source=url, **options)

    return check


def test_a_source_that_knows_no_fault_makes_it_fine(check: Check, source: Source) -> None:
    assert check(source.url) == Result(Outcome.FINE, "1 requirements, no known fault")
    assert source.asked[0]["package"]["name"] == "tea"


def test_a_known_fault_is_named(check: Check, source: Source) -> None:
    source.knows("PYSEC-2026-1", "1.1")
    result = check(source.url)
    assert result == Result(Outcome.FOUND, "tea 1.0: PYSEC-2026-1, mended in 1.1")


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (403, b"{}"), (200, b"<html>"), (200, b"")])
def test_a_source_that_lies_or_fails_is_not_called_fine(
    check: Check, source: Source, status: int, body: bytes
) -> None:
    source.status, source.body = status, body
    result = check(source.url)
    assert result.outcome is Outcome.NOT_CHECKED
    assert result.text.startswith("not checked: no advisory source answered")


def test_without_a_source_it_says_so(check: Check, source: Source) -> None:
    closed = source.url.replace("127.0.0.1", "127.0.0.9")
    refused = check(closed)
    assert refused.outcome is Outcome.NOT_CHECKED
    assert "0.0 s" not in refused.text
    late = check(source.url, seconds=0.01)
    assert late.outcome is Outcome.NOT_CHECKED
    assert "no answer within" in late.text


def test_the_exit_status_is_that_of_the_worst_check_and_not_checked_is_none_of_the_others() -> None:
    fine, found, unchecked = (Result(outcome, "") for outcome in Outcome)
    assert worst([fine, fine]) == 0
    assert worst([fine, unchecked, fine]) == 3
    assert worst([unchecked, found, fine]) == 1
    run = (ROOT / ".ci/run").read_text()
    assert "3) unchecked=" in run
    assert run.rstrip().endswith('[ -z "$unchecked" ] || echo "$unchecked"')
