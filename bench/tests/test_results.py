"""A ratio says which rival is the faster; a result is written with its spread, versions and commit."""

import json
from pathlib import Path

import pytest

from bench.lib import report
from bench.lib.measure import Timing, interleaved, times_as_fast, times_as_long


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    ours, other = Timing(rounds=[1.0, 2.0, 1.0]), Timing(rounds=[2.0, 6.0, 5.0])
    assert times_as_fast(ours, other).as_json() == {"value": 3, "lowest": 2, "highest": 5, "rounds": 3}
    assert times_as_long(other, ours).value == 3
    assert times_as_fast(other, ours).value == pytest.approx(1 / 3)


def test_rivals_begin_in_turns() -> None:
    called: list[str] = []
    rivals = {name: lambda name=name: called.append(name) for name in ("one", "other")}
    timings = interleaved(rivals, rounds=2, seconds_a_turn=0.0)
    assert called == ["one"] * 2 + ["other"] * 2 + ["one"] * 3 + ["other"] * 6 + ["one"] * 3
    assert [len(timing.rounds) for timing in timings.values()] == [2, 2]


@pytest.mark.parametrize("publish", [False, True])
def test_a_result_has_all_that_its_figures_depend_on(
    publish: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(report, "PUBLISHED", tmp_path / "docs")
    ratio = times_as_fast(Timing(rounds=[1.0, 2.0]), Timing(rounds=[2.0, 8.0]))
    result = report.Result({"a_times_as_fast_as_b": ratio, "queries": 2}, {"kwips": 5}, [])
    path = report.write("timelines", result, size="small", publish=publish)
    assert path == tmp_path / ("docs" if publish else "results") / "timelines.json"
    written = json.loads(path.read_text())
    assert written["figures"] == {
        "a_times_as_fast_as_b": {"value": 3, "lowest": 2, "highest": 4, "rounds": 2},
        "queries": {"value": 2},
    }
    assert written["machine"]["cores"] >= 1
    assert {"version", "pgo", "lto", "shared", "build"} == set(written["python"])
    assert {"python", "postgresql", "memcached", "nginx", "django"} <= set(written["versions"])
    assert written["versions"]["postgresql"].startswith("18.")
    assert written["kwips"] == 5
    assert {"measured_at", "commit", "size"} <= set(written)
