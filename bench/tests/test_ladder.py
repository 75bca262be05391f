"""The ladder's settings, its journal, its forms, its mail server, and what it makes of rounds."""

import json
import runpy
import smtplib
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from apps.contact.forms import ContactForm
from bench.ladder import figures
from bench.ladder.anonymous_cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from bench.ladder.configurations import DESCRIPTIONS, OPTIMIZATIONS, SITES
from bench.ladder.forms import contacting
from bench.ladder.journal import COUNTING, Cell, Journal
from bench.ladder.load import parsed
from bench.ladder.mail import mail_server
from bench.ladder.scenarios import READS, WRITES
from bench.lib import report, results_page
from kwippy.settings import optimizations, stock

# Those that the optimizations change, here.
SETTINGS = [
    name
    for name in sorted(vars(stock))
    # Every site is measured under the same load: nothing is shed.
    if name.isupper() and name != "SHEDDING" and getattr(optimizations, name) != getattr(stock, name)
]


def settings(monkeypatch: pytest.MonkeyPatch, *on: str) -> dict[str, Any]:
    """What `bench/ladder/settings.py` sets of the optimizations' settings."""
    monkeypatch.setenv("LADDER_ON", ",".join(on))
    found = runpy.run_module("bench.ladder.settings")
    return {name: found[name] for name in SETTINGS}


def test_with_all_on_it_is_the_site_and_with_none_stock_django(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, *OPTIMIZATIONS) == {name: getattr(optimizations, name) for name in SETTINGS}
    assert settings(monkeypatch) == {name: getattr(stock, name) for name in SETTINGS}


def test_each_setting_is_switched_by_one_optimization(monkeypatch: pytest.MonkeyPatch) -> None:
    off = settings(monkeypatch)
    changed = {
        name: {setting for setting, value in settings(monkeypatch, name).items() if value != off[setting]}
        for name in OPTIMIZATIONS
    }
    del changed["keyset"]  # pages alone
    # With DEBUG, as these tests may have it, no pages are cached.
    all_of_them = [setting for name, each in changed.items() if name != "pagecache" for setting in each]
    assert len(all_of_them) == len(set(all_of_them))
    assert all(each for name, each in changed.items() if name != "pagecache")


def test_an_unknown_optimization_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="unknown poool"):
        settings(monkeypatch, "poool")


def test_every_optimization_is_measured_alone_and_missing_and_says_what_off_is() -> None:
    for name in OPTIMIZATIONS:
        assert {f"with {name}", f"without {name}"} <= set(SITES)
        assert DESCRIPTIONS[name].startswith("off: ")


def test_djangos_own_best_caches_pages_of_anonymous_visitors_alone(settings: Any, rf: RequestFactory) -> None:
    ours = {"django": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CACHES = settings.CACHES | ours
    settings.CACHE_MIDDLEWARE_ALIAS, settings.CACHE_MIDDLEWARE_SECONDS = "django", 60
    rendered = count()
    fetch = FetchFromCacheMiddleware(lambda request: HttpResponse(str(next(rendered))))
    site = UpdateCacheMiddleware(fetch)
    member = {settings.SESSION_COOKIE_NAME: "a session"}

    def page(cookies: dict[str, str]) -> str:
        request = rf.get("/")
        request.COOKIES = cookies
        answer: Any = site(request)
        return str(answer.content.decode())

    assert [page({}), page({}), page(member), page(member), page({})] == ["0", "0", "1", "2", "0"]


# ── The journal ──────────────────────────────────────────────────────────────────────────────────

CELL, OTHER = Cell("front page", "stock", 0), Cell("front page", "stock", 1)


def test_a_run_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "ladder.jsonl"
    Journal("abc1234", "small", file=file).add(CELL, {"rate": 40.0})
    with file.open("a") as cut_off:
        cut_off.write('{"key": {"commit": "abc')
    again = Journal("abc1234", "small", file=file)
    again.add(OTHER, {"rate": 41.0})
    assert Journal("abc1234", "small", file=file).values == {CELL: {"rate": 40.0}, OTHER: {"rate": 41.0}}


@pytest.mark.parametrize("key", [("def5678", "small"), ("abc1234", "full"), ("abc1234-dirty", "small")])
def test_cells_of_another_run_do_not_count(key: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ladder.jsonl"
    commit = key[0] if key[0].endswith("-dirty") else "abc1234"
    Journal(commit, "small", file=file).add(CELL, {"rate": 40.0})
    assert Journal(*key, file=file).values == {}


# ── The load ─────────────────────────────────────────────────────────────────────────────────────


def test_answers_that_are_errors_do_not_count_as_a_rate() -> None:
    seen = parsed("Running 2s test\nladder 100 2000000 40 2 1500 9000\n")
    assert (seen.rate, seen.refused, seen.broken, seen.p50, seen.p99) == (30.0, 40, 2, 1.5, 9.0)
    with pytest.raises(SystemExit, match="wrk failed"):
        parsed("unable to connect")


def test_a_turn_begins_when_the_one_before_it_has_left_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.ladder.run import SETTLED, Ladder

    used = iter([1.0, 1.15, 1.3, 1.45, 1.46])
    meters = SimpleNamespace(seconds=lambda pids: {"web": next(used), "postgresql": 7.0})
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    ladder: Any = SimpleNamespace(_services=SimpleNamespace(meters=meters))
    Ladder.settle(ladder, SimpleNamespace(pids={}))  # type: ignore[arg-type]
    assert slept == [SETTLED] * 4


@pytest.mark.parametrize("name", ["publish", "front page"])
def test_tables_are_tended_after_a_turn_that_wrote(name: str) -> None:
    from bench.ladder.run import FORGET, TEND, Ladder

    executed: list[str] = []
    services = SimpleNamespace(
        mail=SimpleNamespace(become=lambda mail: None), meters=SimpleNamespace(execute=executed.append)
    )
    ladder: Any = SimpleNamespace(
        _services=services, _warm={(name, "whole")}, sites={"whole": None}, turn=lambda *_: {"rate": 1.0}
    )
    [scenario] = [each for each in [*READS, *WRITES] if each.name == name]
    assert Ladder.measured(ladder, scenario, Cell(name, "whole", 0)) == {"rate": 1.0}
    assert executed == ([FORGET, TEND] if scenario.writes else [])


def test_the_contact_forms_are_valid_and_each_of_another_network() -> None:
    requests = [request for request, _ in zip(contacting(), range(20), strict=False)]
    for request in requests:
        form = ContactForm({name: values[0] for name, values in parse_qs(request.body).items()})
        assert form.is_valid(), form.errors
    assert len({request.address for request in requests}) == 20


def test_the_mail_server_is_fast_slow_or_dead() -> None:
    def seconds() -> float:
        began = time.monotonic()
        # With a name of its own it does not ask a name server for this machine's.
        with smtplib.SMTP("127.0.0.1", int(mail.variables["SMTP_PORT"]), "localhost") as client:
            client.sendmail("ann@example.org", ["bob@example.org"], "Subject: tea\r\n\r\nnow?")
        return time.monotonic() - began

    with mail_server() as mail:
        fast = seconds()
        mail.become("slow")
        slow = seconds()
        mail.become("dead")
        with pytest.raises(ConnectionRefusedError):
            seconds()
        mail.become("fast")
        fast_again = seconds()
    assert slow >= 0.5
    assert max(fast, fast_again) < slow


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────


def measured() -> dict[Cell, dict[str, float]]:
    """Two rounds in which `whole` answers 100 times a second, others 20, and errors begin at 16 clients."""
    from bench.ladder.run import GROWTH, MIX, OF_A_TENTH, READS, WRITES, configurations_of

    cells: dict[Cell, dict[str, float]] = {}
    for scenario in (*READS, *GROWTH, *WRITES, *MIX["small"], *OF_A_TENTH):
        for name in configurations_of(scenario, is_small=True):
            for number in range(2):
                rate = 100.0 if name == "whole" else 20.0
                errors = 0.5 if scenario.clients >= 16 else 0.0
                cells[Cell(scenario.name, name, number)] = {
                    "rate": rate * scenario.clients,
                    "p50_ms": 1000 / rate,
                    "p99_ms": 400.0,
                    "errors": errors,
                }
            if name in SITES and scenario not in OF_A_TENTH and not scenario.is_mix:
                statements = 30.0 if name == "without keyset" else 2.0
                cells[Cell(scenario.name, name, COUNTING)] = {"statements": statements, "rows": 40.0}
    return cells


def test_every_optimization_has_a_figure_of_its_own() -> None:
    found = figures.result(measured(), {"whole": 60.0}).figures
    for name in OPTIMIZATIONS:
        [figure] = [figure for key, figure in found.items() if key.endswith(f"_without_{name}")]
        assert isinstance(figure, figures.Ratio)
        assert figure.value == pytest.approx(5.0)


def test_all_that_must_be_shown_has_a_figure() -> None:
    found = figures.result(measured(), {"whole": 60.0}).figures
    for key in (
        "front_page_edge_times_as_fast_as_file",
        "front_page_edge_times_as_fast_as_stock",
        "slowest_network_whole_times_as_fast_as_best",
        "slowest_network_whole_times_as_fast_as_stock",
        "network_5000_active_times_as_long_as_100_active",
        "network_5000_dormant_times_as_long_as_100_active",
        "publish_whole_times_as_long_as_bare_view",
        "contact_mail_dead_times_as_long_as_fast",
        "mix_knee_whole_times_as_fast_as_best",
    ):
        figure = found[key]
        assert isinstance(figure, figures.Ratio)
        assert len(figure.rounds) == 2
    for name in ("stock", "best", "whole"):
        assert f"network_100_active_{name}_times_as_long_with_ten_times_the_kwips" in found


def test_what_is_worse_without_one_names_the_column_and_the_factor() -> None:
    removed: Any = figures.result(measured(), {"whole": 60.0}).details["removed"]
    assert set(removed) == set(OPTIMIZATIONS)
    [first, *others] = removed["keyset"]
    assert (first["scenario"], first["column"]) == ("from page 1,000 on", "answers a second")
    assert first["times_worse"]["value"] == pytest.approx(5.0)
    assert {(row["column"], row["times_worse"]["value"]) for row in others} == {("SQL statements", 15.0)}


def test_what_is_counted_once_stands_beside_the_rounds() -> None:
    [page] = [by for scenario, by in figures.rounds_of(measured()).items() if scenario == "profile"]
    assert page["whole"]["statements"] == [2.0]
    assert page["whole"]["rate"] == [800.0, 800.0]
    assert "statements" not in page["edge"]


def test_a_result_is_published_as_tables_of_all_scenarios(tmp_path: Path) -> None:
    result = figures.result(measured(), {"whole": 60.0})
    published = {
        "subject": "ladder",
        "size": "small",
        "measured_at": "2026-11-27T12:00:00+00:00",
        "commit": "abc1234",
        "machine": {"cores": 2, "processor": "a processor"},
        "versions": {"python": "3.13.0", "django": "6.1.3", "postgresql": "18.6"},
        "figures": {name: report.as_json(figure) for name, figure in result.figures.items()},
        **result.details,
    }
    (tmp_path / "ladder.json").write_text(json.dumps(published))
    files = results_page.files(tmp_path)
    assert {"README.md", "ladder-front-page.svg", "ladder-network.svg", "ladder-mix.svg"} == set(files)
    for cell in measured():
        assert f"### {cell.scenario}\n" in files["README.md"]
    for name in DESCRIPTIONS:
        assert f"- **{name}**: " in files["README.md"]
    assert "| keyset | from page 1,000 on | answers a second | 800 | 160 | 5 (5–5) |" in files["README.md"]


def test_the_knee_is_the_highest_rate_without_errors_that_is_fast() -> None:
    knees = figures.knees(figures.rounds_of(measured()))
    assert knees["whole"] == [400.0, 400.0]
    assert knees["stock"] == [80.0, 80.0]
