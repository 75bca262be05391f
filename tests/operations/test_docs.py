"""Statements of the documentation about the code match the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()
HEADINGS = ["Problem (2008)", "Mechanism", "Switch", "Invariant", "When it fails", "How to measure"]
# Each optimization's folder; those of the platform can be lifted into another project.
OPTIMIZATIONS = [
    folder
    for folder in ("keyset", "feeds", "commandqueue", "lookaside", "pagecache", "dbpool")
    if (ROOT / "apps" / folder).is_dir()
]


@pytest.mark.parametrize("folder", OPTIMIZATIONS)
def test_each_optimization_explains_itself_under_the_same_headings(folder: str) -> None:
    page = import_module(f"apps.{folder}").__doc__ or ""
    found = [line for line in page.splitlines() if line in HEADINGS]
    assert found == HEADINGS


@pytest.mark.parametrize("folder", OPTIMIZATIONS)
def test_each_optimization_has_a_row_in_the_readme(folder: str) -> None:
    table = README.split("## The optimizations")[1].split("\n## ")[0]
    assert re.search(rf"^\|.*`apps/{folder}`.*`apps/{folder}/tests`.*\|$", table, re.MULTILINE)


def test_every_app_stands_in_the_readmes_table() -> None:
    for folder in (ROOT / "apps").iterdir():
        if (folder / "__init__.py").exists():
            assert f"| `apps/{folder.name}/`" in README, folder.name


def test_every_file_that_the_readme_names_is_there() -> None:
    for path in re.findall(r"`((?:apps|kwippy|deploy|bench|templates|static)/[\w/.-]*)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w/.-]+)\)", README):
        assert (ROOT / path).exists(), path
