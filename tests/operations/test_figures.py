"""Every figure in the documents and docstrings is the published result of a bench.

`bench/lib/cited.py` says how a figure is written; `python -m bench --tables` writes the numbers.
"""

import ast
import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from bench.lib import cited
from bench.lib.cited import FIGURE, ROOT

PUBLISHED = ROOT / "docs" / "results"
README = (ROOT / "README.md").read_text()
# The five; caching is two of them, whole pages and what is read by its key. Each has its row in README.
FIVE = ["pagecache", "lookaside", "feeds", "dbpool", "commandqueue", "keyset"]
# Others that make a page faster; they have a figure, or say that there is none.
PARTS = ["fragments", "nearcache", "search", "statements"]
# A comparison in words: it needs a figure before them.
COMPARISON = re.compile(r"[\d.,]*\d\)? times (?:as|the)\b")
# The decisions are records of their day, each with what it was measured on.
RECORDS = ROOT / "docs" / "decisions"


def how_to_measure(folder: str) -> str:
    """The section of a platform page."""
    return (import_module(f"apps.{folder}").__doc__ or "").split("\nHow to measure\n")[1]


def keys(text: str) -> list[str]:
    return [figure["key"] for figure in FIGURE.finditer(text)]


def prose(source: Path) -> str:
    """What is read in a file: a document, or the docstrings of Python."""
    text = source.read_text()
    if source.suffix == ".md":
        return text
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    return "\n".join(ast.get_docstring(node) or "" for node in nodes)


def uncited(text: str) -> list[str]:
    """Comparisons whose number is not a figure."""
    return [found[0] for found in COMPARISON.finditer(FIGURE.sub("FIGURE", text))]


def test_every_figure_is_a_published_result() -> None:
    assert [problem for source in cited.sources() for problem in cited.problems(source)] == []


def test_every_comparison_has_its_figure() -> None:
    sources = [
        each for each in cited.sources() if RECORDS not in each.parents and each.suffix in (".md", ".py")
    ]
    assert [(each.name, found) for each in sources for found in uncited(prose(each))] == []


def test_a_comparison_without_a_figure_is_found() -> None:
    assert uncited('is [5.9](docs/results/a.json "b") times as fast') == []
    assert uncited("is 5.9 times as fast, and (2) times the size") == ["5.9 times as", "2) times the"]


@pytest.mark.parametrize("folder", FIVE)
def test_each_of_the_five_has_a_figure_of_its_own_and_says_what_off_is(folder: str) -> None:
    section = how_to_measure(folder)
    others = {key for other in FIVE if other != folder for key in keys(how_to_measure(other))}
    assert set(keys(section)) - others, f"{folder} has no figure that no other page has"
    assert re.search(r"\boff\b", section, re.IGNORECASE), f"{folder}: what is off is not said"
    assert "make bench" in section


@pytest.mark.parametrize("folder", PARTS)
def test_what_else_makes_pages_faster_has_a_figure_or_says_that_there_is_none(folder: str) -> None:
    section = " ".join(how_to_measure(folder).split())
    assert keys(section) or "no published figure of its own" in section


@pytest.mark.parametrize("folder", FIVE)
def test_a_figure_of_the_readme_is_on_the_page_of_its_optimization(folder: str) -> None:
    cells = [line.split("|") for line in README.splitlines() if line.count("|") == 7]
    [row] = ["|".join(row) for row in cells if f"`apps/{folder}/" in row[4]]  # the column "read first"
    assert set(keys(row)) & set(keys(how_to_measure(folder)))


def refused(text: str) -> list[str]:
    """What a decision refused: the points of its last section."""
    section = text.partition("\n## Refused\n")[2].partition("\n## ")[0]
    return [" ".join(point.split()) for point in re.findall(r"^- (.*(?:\n  .*)*)", section, re.MULTILINE)]


@pytest.mark.parametrize("decision", sorted(RECORDS.glob("[a-z]*.md")), ids=lambda path: path.stem)
def test_a_decision_has_what_it_refused_and_by_which_number(decision: Path) -> None:
    points = refused(decision.read_text())
    assert points
    assert [point for point in points if not re.search(r"\d|\bno number\b", point, re.IGNORECASE)] == []


def test_the_points_of_a_decision_end_with_their_section() -> None:
    text = "# A\n\n- before\n\n## Refused\n\n- *one*: 3 ms,\n  and more.\n- *two*: no number.\n"
    assert refused(f"{text}\n## Later\n\n- after\n") == ["*one*: 3 ms, and more.", "*two*: no number."]
    assert refused("# A\n\n- nothing refused\n") == []


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
        '[6](docs/results/lookaside.json\n    "page_times_as_fast_as_stock")',
        '[1,234](docs/results/lookaside.json "kwips")',
    ],
)
def test_a_figure_is_rounded_to_the_decimals_that_it_shows(link: str, document: Path) -> None:
    document.write_text(f"A page is {link} times as fast.")
    assert cited.problems(document) == []


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
    [found] = cited.problems(document)
    assert link in found
    assert found.endswith(problem)


def test_published_numbers_are_written_into_what_cites_them(document: Path) -> None:
    stock = '[{}](docs/results/lookaside.json "page_times_as_fast_as_stock")'
    unknown = '[7](docs/results/lookaside.json "unknown")'
    document.write_text(f"{stock.format('0')}, {stock.format('1.00 times')}, {unknown}")
    module = document.parent / "apps" / "lookaside" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text(f'"""{stock.format("1.0")}, [1](docs/results/lookaside.json "kwips")."""')
    cited.write(document.parent)
    assert document.read_text() == f"{stock.format('6')}, {stock.format('5.87 times')}, {unknown}"
    assert module.read_text() == f'"""{stock.format("5.9")}, [1,234](docs/results/lookaside.json "kwips")."""'
