"""`docs/results/README.md` and the charts are what the published results make them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.lib import results_page
from bench.lib.plots import bars
from bench.lib.report import PUBLISHED

AGAIN = "`python -m bench --tables` writes it again"


def test_the_page_and_the_charts_are_those_of_the_results() -> None:
    files = results_page.files()
    assert {path.name for path in PUBLISHED.iterdir() if path.suffix != ".json"} == set(files), AGAIN
    for name, text in files.items():
        assert (PUBLISHED / name).read_text() == text, AGAIN


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with the result of one subject that has everything."""
    result = {
        "subject": "ladder",
        "size": "small",
        "measured_at": "2026-11-27T12:00:00+00:00",
        "commit": "abc1234",
        "machine": {"cores": 2, "processor": "a processor"},
        "versions": {"python": "3.13.0", "django": "6.1.3", "postgresql": "18.6"},
        "figures": {"a_times_as_fast_as_b": {"value": 3.5, "lowest": 3.0, "highest": 4.0, "rounds": 3}},
        "descriptions": {"stock": "nothing is on"},
        "charts": {
            "front": {"title": "The front page", "values": {"stock": 40, "whole": 2000}, "ours": "whole"}
        },
        "rounds": {"front page": {"stock": {"rate": [39.0, 40.0, 1234.0], "errors": [0.0, 0.5, 0.0]}}},
        "pss_mb": {"whole": 61.5},
    }
    (tmp_path / "ladder.json").write_text(json.dumps(result))
    return tmp_path


def test_a_table_has_medians_and_the_spread(published: Path) -> None:
    results_page.write(published)
    page = (published / "README.md").read_text()
    assert "| `a_times_as_fast_as_b` | 3.5 | 3 | 4 | 3 |" in page
    assert "- **stock**: nothing is on" in page
    assert "| stock | 40 (39–1,234) | – | – | 0.0% |" in page
    assert "| whole | 61.5 |" in page
    assert "![The front page](ladder-front.svg)" in page
    assert (published / "ladder-front.svg").exists()


def test_a_chart_is_an_svg_with_bars_in_proportion_for_light_and_dark() -> None:
    chart = bars("Tea & cake", {"stock": 40, "whole": 400}, ours="whole")
    root = ElementTree.fromstring(chart)
    drawn = [each for each in root if each.get("class") in ("bar", "ours")]
    assert [each.get("width") for each in drawn] == ["42", "420"]
    assert root.get("aria-label") == "Tea & cake"
    assert "prefers-color-scheme: dark" in chart
