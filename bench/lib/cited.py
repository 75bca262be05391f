"""The figures that documents and docstrings cite, and their numbers as they are published.

A figure is a link whose text begins with the number, to the result, with the figure's key as its title:
`[5.9](RESULT.json "a_times_as_fast_as_b")`. `python -m bench --tables` writes the published
numbers into all of them, with as many decimals as before.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from bench.lib.report import ROOT

FIGURE = re.compile(r'\[(?P<text>[^\]]*)\]\((?P<path>[\w./-]*results/[\w-]+\.json)(?:\s+"(?P<key>\w*)")?\)')
NUMBER = re.compile(r"\d[\d,]*(?:\.(?P<decimals>\d+))?")


def sources(root: Path = ROOT) -> Iterator[Path]:
    """The documents, and the Python files whose docstrings have figures."""
    yield from sorted(root.glob("*.md"))
    yield from sorted(path for path in (root / "docs").glob("**/*.md") if path.parent.name != "results")
    yield from sorted((root / "bench").glob("**/*.md"))
    for folder in ("apps", "kwippy", "bench", "deploy"):
        yield from sorted((root / folder).glob("**/*.py"))


def folder_of(source: Path, root: Path = ROOT) -> Path:
    """What the links of a file begin at: a document's own folder; for Python, that of the project."""
    return source.parent if source.suffix == ".md" else root


def value_of(figure: re.Match[str], folder: Path) -> float | str:
    """The published value of a figure, or what is wrong with it."""
    path = folder / figure["path"]
    if NUMBER.match(figure["text"]) is None:
        return "its text does not begin with a number"
    if not path.exists():
        return "there is no such result"
    value = json.loads(path.read_text())["figures"].get(figure["key"], {}).get("value")
    return "the result has no such key" if value is None else float(value)


def wrong(figure: re.Match[str], folder: Path) -> str | None:
    """The error in one figure, or None."""
    value = value_of(figure, folder)
    if isinstance(value, str):
        return value
    number = NUMBER.match(figure["text"])
    assert number  # noqa: S101 - or it had no value
    if round(value, len(number["decimals"] or "")) != float(number[0].replace(",", "")):
        return f"the result is {value:g}"
    return None


def problems(source: Path, root: Path = ROOT) -> list[str]:
    """The errors in the figures of a file, each with its link."""
    folder = folder_of(source, root)
    return [
        f"{source.name}: {figure[0]}: {problem}"
        for figure in FIGURE.finditer(source.read_text())
        if (problem := wrong(figure, folder))
    ]


def corrected(text: str, folder: Path) -> str:
    """The text with the published numbers; a figure that has none stays as it is."""

    def number_of(figure: re.Match[str]) -> str:
        value = value_of(figure, folder)
        if isinstance(value, str):
            return figure[0]

        def rounded(number: re.Match[str]) -> str:
            decimals = len(number["decimals"] or "")
            return f"{round(value, decimals):,.{decimals}f}"

        return "[" + NUMBER.sub(rounded, figure["text"], count=1) + figure[0][len(figure["text"]) + 1 :]

    return FIGURE.sub(number_of, text)


def write(root: Path = ROOT) -> None:
    for source in sources(root):
        text = source.read_text()
        if (new := corrected(text, folder_of(source, root))) != text:
            source.write_text(new)
