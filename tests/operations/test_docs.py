"""Statements of the documentation about the code match the code."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from kwippy.settings import stock

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
]
APPS = sorted(path.parent.name for path in (ROOT / "apps").glob("*/__init__.py"))
HEADINGS = ["Problem (2008)", "Mechanism", "Switch", "Invariant", "When it fails", "How to measure"]
# The folders whose page explains an optimization, or a part of the platform in the same way.
EXPLAINED = [folder for folder in APPS if "Problem (2008)" in (import_module(f"apps.{folder}").__doc__ or "")]
OPTIMIZATIONS = ["pagecache", "lookaside", "feeds", "dbpool", "commandqueue", "keyset"]
MOST_WORDS = {"README.md": 700, "a page": 450}

# ── Reading documents ────────────────────────────────────────────────────────────────────────────

FOLDERS = "apps|bench|deploy|docs|kwippy|static|templates|tests"
# A file or folder, and what is named in it: `apps/keyset/page.py:paginate`, `…/test_page.py::test_it`.
PLACE = re.compile(
    rf"(?<![\w/.-])(?P<path>(?:{FOLDERS})/[\w./-]*[\w/])(?::{{1,2}}(?P<symbol>[A-Za-z_][\w.]*))?"
)
LINK = re.compile(r"\]\((?P<path>[\w./-]+)(?:#[\w-]+)?\)")


def page(folder: str) -> str:
    return import_module(f"apps.{folder}").__doc__ or ""


def words(text: str) -> int:
    return len(text.split())


def rows() -> list[list[str]]:
    """The cells of each row of README's table of optimizations."""
    table = README.split("## The optimizations")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def defined(source: str, prefix: str = "") -> Iterator[str]:
    """Every name that Python source defines, those of a class with its name before them and without it."""
    for node in ast.parse(source).body:
        yield from _names(node, prefix)


def _names(node: ast.stmt, prefix: str) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield from _names(inner, "")
                yield from _names(inner, f"{prefix}{node.name}.")
    elif isinstance(node, ast.Assign):
        yield from (f"{prefix}{target.id}" for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign | ast.TypeAlias):
        target = node.target if isinstance(node, ast.AnnAssign) else node.name
        if isinstance(target, ast.Name):
            yield f"{prefix}{target.id}"


def missing(text: str) -> list[str]:
    """The places that a text names and that do not exist."""
    found = []
    for place in PLACE.finditer(text):
        path, symbol = ROOT / place["path"], place["symbol"]
        if place["path"].startswith("docs/results/") or "NAME" in place["path"]:
            continue  # published figures, which have a test of their own; a name to fill in
        if not path.exists() or (symbol and not _has(path, symbol)):
            found.append(place[0])
    return found


def _has(path: Path, symbol: str) -> bool:
    return path.suffix == ".py" and symbol in defined(path.read_text())


# ── Places ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_symbol_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    assert missing(text) == []
    for link in LINK.finditer(text):
        assert (document.parent / link["path"]).exists(), link[0]


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("`apps/keyset/page.py`, apps/keyset/, `apps/keyset/page.py:Page.with_items`", []),
        ("`apps/keyset/tests/test_page.py::test_the_first_page_has_nothing_newer`", []),
        ("`apps/keyset/pages.py`", ["apps/keyset/pages.py"]),
        ("(`apps/keyset/page.py:paginates`)", ["apps/keyset/page.py:paginates"]),
        ("apps/keyset/page.py:Page.turn_over", ["apps/keyset/page.py:Page.turn_over"]),
        ("`apps/keyset/tests/test_page.py::test_nothing`", ["apps/keyset/tests/test_page.py::test_nothing"]),
    ],
)
def test_a_place_that_does_not_exist_is_found(text: str, absent: list[str]) -> None:
    assert missing(text) == absent


def test_every_app_is_in_the_table_of_folders() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    assert [folder for folder in APPS if f"| `apps/{folder}/` |" not in architecture] == []


def test_the_files_to_read_first_are_25_at_most() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    table = architecture.split("## In ninety minutes")[1].split("\n## ")[0]
    files = re.findall(r"`([\w/]+\.(?:md|py|sql))`", "".join(re.findall(r"^\|.*\|$", table, re.MULTILINE)))
    assert len(files) == len(set(files)) <= 25
    assert {re.findall(r"apps/(\w+)/", name)[0] for name in files if name.startswith("apps/")} >= {
        *OPTIMIZATIONS
    }


def test_every_decision_is_in_their_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(
        re.findall(r"^\| \[.*\]\(([\w-]+\.md)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    )
    assert {path.name for path in folder.glob("*.md")} - {"README.md"} == listed


def test_the_vocabulary_is_short() -> None:
    terms = re.findall(r"^\| (?!term |---)", (ROOT / "docs" / "vocabulary.md").read_text(), re.MULTILINE)
    assert 25 <= len(terms) <= 30


# ── README ───────────────────────────────────────────────────────────────────────────────────────


def test_the_readme_is_short() -> None:
    assert words(README) <= MOST_WORDS["README.md"]


def test_the_readme_has_the_five_optimizations_and_caching_twice() -> None:
    assert [row[0].split(".")[0] for row in rows()] == ["1", "1", "2", "3", "4", "5"]
    assert [re.findall(r"`apps/(\w+)/", row[3]) for row in rows()] == [[folder] for folder in OPTIMIZATIONS]


def test_every_optimization_has_a_figure_a_symbol_to_read_and_a_test() -> None:
    for name, _, figure, read, off, test in rows():
        published = re.search(r'\[[\d.,]+\]\(docs/results/\w+\.json "\w+"\)', figure)
        assert published, name
        assert re.fullmatch(r"`[\w/.]+\.py:[\w.]+`", read), name
        assert re.fullmatch(r"`[\w/.]+\.py::\w+`", test), name
        assert off, name


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_switch_in_the_readme_is_that_of_stock_django(row: list[str]) -> None:
    switches = re.findall(r"`([A-Z_]+(?:\[[^`]*\])? = [^`]+)`", row[4])
    assert switches or row[4].startswith("no switch")
    on = (ROOT / "kwippy" / "settings" / "optimizations.py").read_text()
    names = {"stock": stock, **vars(stock)}
    for switch in switches:
        setting, value = switch.split(" = ", 1)
        assert re.search(rf"^{setting.partition('[')[0]} = ", on, re.MULTILINE), setting
        assert eval(setting, names) == eval(value, names), switch


# ── The pages of the platform ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folder", sorted({*OPTIMIZATIONS, *EXPLAINED}))
def test_a_page_has_the_same_headings_a_reading_order_and_few_words(folder: str) -> None:
    text = page(folder)
    assert [line for line in text.splitlines() if line in HEADINGS] == HEADINGS
    assert re.search(r"^ *Read in this order: ", text, re.MULTILINE)
    assert words(text) <= MOST_WORDS["a page"], f"{words(text)} words"


@pytest.mark.parametrize("folder", sorted({*OPTIMIZATIONS, *EXPLAINED}))
def test_a_page_names_files_that_exist(folder: str) -> None:
    order = re.search(r"Read in this order: (.*?)\n\n", page(folder) + "\n\n", re.DOTALL)
    assert order
    for name in re.findall(r"[\w/]+\.(?:py|sql)", order[1]):
        assert (ROOT / "apps" / folder / name).exists() or (ROOT / name).exists(), name


# ── Words ────────────────────────────────────────────────────────────────────────────────────────

# Riddles of earlier versions, for which the field has words of its own.
DENIED = re.compile(
    r"\b(?:strangers?|whoever|whomever|nobody|somebody|anybody|everybody|washed|washes|wash|resurrects?)\b"
    r"|(?<!there )\b(?:is|are|was|were) no (?!longer )[a-z]|\b(?:has|have|was|were) met\b|\bowe[sd]?\b",
    re.IGNORECASE,
)
# The field's words, each of which its page uses.
REQUIRED = {
    "pagecache": ["anonymous", "hit", "miss", "stale", "purge", "surrogate key", "generation", "lease"],
    "lookaside": ["miss", "stale", "evict", "invalidat", "lease", "compare-and-swap"],
    "dbpool": ["check-out", "check-in", "pool", "semaphore"],
    "commandqueue": ["enqueue", "claim", "lease", "settle", "dead letter", "outbox"],
    "keyset": ["cursor", "keyset", "OFFSET", "COUNT"],
    "feeds": ["timeline", "viewer", "index", "plan"],
}


def plain_sources() -> list[Path]:
    checks = [*(ROOT / "apps").glob("*/checks.py"), *(ROOT / "apps").glob("*/*/checks.py")]
    pages = [ROOT / "apps" / folder / "__init__.py" for folder in APPS]
    project = [*(ROOT / "kwippy" / "settings").glob("*.py"), ROOT / "kwippy" / "checks.py"]
    return [*pages, *checks, *project, *DOCUMENTS]


@pytest.mark.parametrize("source", plain_sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_engineers_and_operators_read_is_plain(source: Path) -> None:
    lines = source.read_text().splitlines()
    assert [line for line in lines if DENIED.search(line)] == []


@pytest.mark.parametrize("folder", REQUIRED)
def test_a_page_uses_the_words_of_the_field(folder: str) -> None:
    text = " ".join(page(folder).lower().split())
    assert [word for word in REQUIRED[folder] if word.lower() not in text] == []
