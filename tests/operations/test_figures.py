"""Every figure in the documentation is the published result of a bench.

A figure is a link whose text begins with the number, to the result, with the figure's key as its title:
`[5.9](docs/results/lookaside.json "network_page_times_as_fast_as_uncached")`.
"""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PUBLISHED = ROOT / "docs" / "results"
FIGURE = re.compile(r'\[(?P<text>[^\]]*)\]\((?P<path>[\w./-]*results/[\w-]+\.json)(?: "(?P<key>\w*)")?\)')
NUMBER = re.compile(r"\d[\d,]*(?:\.(?P<decimals>\d+))?")


def problems(document: Path) -> list[str]:
    """The errors in the figures of a document, each with its link."""
    found = []
    for figure in FIGURE.finditer(document.read_text()):
        if problem := wrong(figure, document.parent):
            found.append(f"{document.name}: {figure[0]}: {problem}")
    return found


def wrong(figure: re.Match[str], folder: Path) -> str | None:
    """The error in one figure, or None."""
    number, path = NUMBER.match(figure["text"]), folder / figure["path"]
    if number is None:
        return "its text does not begin with a number"
    if not path.exists():
        return "there is no such result"
    value = json.loads(path.read_text())["figures"].get(figure["key"], {}).get("value")
    if value is None:
        return "the result has no such key"
    if round(value, len(number["decimals"] or "")) != float(number[0].replace(",", "")):
        return f"the result is {value}"
    return None


def test_every_figure_in_the_documentation_is_a_published_result() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    assert [problem for document in documents for problem in problems(document)] == []


def test_every_published_result_is_of_a_commit() -> None:
    for path in PUBLISHED.glob("*.json"):
        result = json.loads(path.read_text())
        assert result["subject"] == path.stem
        assert re.fullmatch(r"[0-9a-f]{7,40}", result["commit"]), f"{path.name}: {result['commit']}"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A README beside a published result."""
    results = tmp_path / "docs" / "results"
    results.mkdir(parents=True)
    figures = {"page_times_as_fast_as_stock": {"value": 5.872}, "kwips": {"value": 1234}}
    (results / "lookaside.json").write_text(json.dumps({"figures": figures}))
    return tmp_path / "README.md"


@pytest.mark.parametrize(
    "link",
    [
        '[5.9](docs/results/lookaside.json "page_times_as_fast_as_stock")',
        '[5.87 times](docs/results/lookaside.json "page_times_as_fast_as_stock")',
        '[6](docs/results/lookaside.json "page_times_as_fast_as_stock")',
        '[1,234](docs/results/lookaside.json "kwips")',
    ],
)
def test_a_figure_is_rounded_to_the_decimals_that_it_shows(link: str, document: Path) -> None:
    document.write_text(f"A page is {link} times as fast.")
    assert problems(document) == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ('[5.8](docs/results/lookaside.json "page_times_as_fast_as_stock")', "the result is 5.872"),
        ('[60](docs/results/lookaside.json "page_times_as_fast_as_stock")', "the result is 5.872"),
        ('[5.9](docs/results/lookaside.json "page_times")', "the result has no such key"),
        ("[5.9](docs/results/lookaside.json)", "the result has no such key"),
        ('[5.9](docs/results/dbpool.json "page_times_as_fast_as_stock")', "there is no such result"),
        ('[fast](docs/results/lookaside.json "page_times_as_fast_as_stock")', "does not begin with a number"),
    ],
)
def test_a_figure_that_is_not_the_result_is_named(link: str, problem: str, document: Path) -> None:
    document.write_text(f"A page is {link} times as fast.")
    [found] = problems(document)
    assert link in found
    assert found.endswith(problem)
