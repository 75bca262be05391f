"""Each line of requirements*.in is used by the file that its comment names, and every pin has its hashes."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SOURCES = ("requirements.in", "requirements-local.in", "requirements-dev.in", "requirements-audit.in")
LINE = re.compile(r"(?P<name>[\w.-]+)\S*  # used by: (?P<path>[^\s,]+)(?:, as (?P<words>.+))?")


class Requirement(NamedTuple):
    name: str
    path: Path
    words: str | None


def requirement(line: str) -> Requirement:
    """A line's package, the file that uses it, and the words by which it does, if it is not by import."""
    found = LINE.fullmatch(line)
    assert found, f"no `# used by: PATH` after two spaces: {line}"
    return Requirement(found["name"], ROOT / found["path"], found["words"])


def lines(source: str) -> list[str]:
    return [line for line in (ROOT / source).read_text().splitlines() if line[:1] not in ("", "#", "-")]


def files(path: Path) -> list[Path]:
    """The file, or the modules below a folder. Tests do not count as users of production requirements."""
    if path.is_file():
        return [path]
    return [module for module in sorted(path.rglob("*.py")) if "tests" not in module.relative_to(path).parts]


@cache
def installed() -> Mapping[str, list[str]]:
    """The packages that each top-level module is of."""
    return packages_distributions()


@cache
def modules(package: str) -> set[str]:
    """The top-level modules that a package installs."""
    wanted = normal(package)
    return {module for module, names in installed().items() if wanted in {normal(name) for name in names}}


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def named(source: str) -> Iterator[str]:
    """Every dotted name that Python source imports, or has as a string by itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def top_levels(source: str) -> set[str]:
    return {name.partition(".")[0] for name in named(source)}


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def is_used(package: str, text: str, words: str | None) -> bool:
    if words is not None:
        return words in without_comments(text)
    return not modules(package).isdisjoint(top_levels(text))


@pytest.mark.parametrize("line", [line for source in SOURCES for line in lines(source)])
def test_every_requirement_is_used_by_the_file_that_it_names(line: str) -> None:
    wanted = requirement(line)
    assert any(is_used(wanted.name, path.read_text(), wanted.words) for path in files(wanted.path)), line


def test_an_import_or_a_setting_is_a_use_and_a_mention_is_not() -> None:
    assert is_used("Pillow", "def f():\n    from PIL import Image\n", None)
    assert is_used("whitenoise", 'MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]', None)
    assert not is_used("Pillow", '"""Pillow (PIL) draws it."""\nfrom .PIL import Image\n', None)
    assert not is_used("ruff", "\t# @python -m ruff check", "-m ruff")
    assert is_used("ruff", "\t@python -m ruff check", "-m ruff")


def test_a_line_without_its_file_is_named() -> None:
    with pytest.raises(AssertionError, match="used by"):
        requirement("regex  # graphemes")


@pytest.mark.parametrize("source", SOURCES)
def test_every_requirement_says_why_it_is_there(source: str) -> None:
    explained = False
    for line in (ROOT / source).read_text().splitlines():
        if line.startswith("#"):
            explained = True
        elif not line:
            explained = False
        elif not line.startswith("-"):
            assert explained, line


@pytest.mark.asvs("15.2.4")
@pytest.mark.parametrize("name", [source.replace(".in", ".txt") for source in SOURCES])
def test_every_requirement_is_pinned_and_hashed_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "index-url" not in text
    assert "://" not in text
    for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
        if not entry.startswith("#"):
            assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", entry), entry[:80]
            assert "--hash=sha256:" in entry, entry[:80]
    assert not re.search(r"^psycopg(-|==)", text, re.MULTILINE), "Django would silently prefer psycopg 3"
