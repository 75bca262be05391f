"""The table of ASVS requirements in docs/security.md, from the markers of tests.

`python -m tests.support.asvs > docs/security.md` writes it. Tests have `@pytest.mark.asvs("8.2.1", "8.2.2")`,
or `pytestmark`; the requirements, and what is said of those without a test, are in `asvs_requirements.toml`.
Markers are read from the source, not by collection: no server starts, and no test is missed by a skip.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = Path(__file__).with_name("asvs_requirements.toml")
FOLDERS = ("apps", "kwippy", "deploy", "bench", "tests")
PAGE = ROOT / "docs" / "security.md"
SAID = {
    "unmet": "not met",
    "by_setting": "met by a setting",
    "absent": "does not apply",
    "documented": "documented",
}

HEAD = """# Security requirements

The requirements of OWASP's Application Security Verification Standard 5.0 at level 2, and the tests that
hold them. V10 (OAuth) and V17 (WebRTC) do not apply. A section is *met* if each requirement has a test, is
held by a document, or is about something that this site lacks; some need a setting, which the second list
names. This page is generated from the markers of tests by `python -m tests.support.asvs > docs/security.md`.
"""


def tests_by_requirement() -> dict[str, list[str]]:
    """The tests of each requirement, as `path::name`, or as a path if it is all of a file."""
    found: dict[str, set[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            text = path.read_text()
            if "mark.asvs(" in text:
                for requirement, name in _marks(ast.parse(text)):
                    place = path.relative_to(ROOT).as_posix()
                    found.setdefault(requirement, set()).add(f"{place}::{name}" if name else place)
    return {requirement: sorted(names) for requirement, names in found.items()}


def _marks(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                for requirement in _requirements(decorator):
                    yield requirement, node.name
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            for requirement in _requirements(node.value):
                yield requirement, ""


def _requirements(node: ast.expr) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.asvs":
            for argument in call.args:
                yield str(ast.literal_eval(argument)).removeprefix("V")


def data() -> tuple[dict[str, tuple[str, list[str]]], dict[str, tuple[str, str]]]:
    """The sections with their requirements; and what is said of those without a test, with its kind."""
    read = tomllib.loads(DATA.read_text())
    sections = {number: (title, ids.split()) for number, (title, ids) in read["sections"].items()}
    notes = {
        number: (kind, reason) for kind, lines in read["notes"].items() for number, reason in lines.items()
    }
    return sections, notes


def level_3() -> set[str]:
    """Requirements beyond level 2 that tests may hold, too."""
    return set(tomllib.loads(DATA.read_text())["level_3"].split())


def without_answer() -> list[str]:
    """Requirements that have neither a test nor a note."""
    sections, notes = data()
    held = tests_by_requirement()
    return [number for _, ids in sections.values() for number in ids if number not in {*held, *notes}]


def excused() -> set[str]:
    """Requirements whose notes say why no test holds them."""
    _, notes = data()
    return {number for number, (kind, _) in notes.items() if kind != "by_setting"}


def page() -> str:
    sections, notes = data()
    held = tests_by_requirement()
    rows = []
    for section, (title, ids) in sections.items():
        short = {
            said: [number for number in ids if _kind(number, notes, held) == said]
            for said in ("not met", "met by a setting")
        }
        verdict = "; ".join(f"{said}: {', '.join(those)}" for said, those in short.items() if those) or "met"
        if all(_kind(number, notes, held) == "does not apply" for number in ids):
            verdict = "does not apply"
        tested = sorted({test for number in ids for test in held.get(number, [])})
        rows.append(f"| {section} {title} | {verdict} | {'<br>'.join(f'`{test}`' for test in tested)} |")
    table = ["| area | verdict | tests |", "| --- | --- | --- |", *rows]
    parts = [HEAD, *table]
    for kind, heading in (
        ("unmet", "Not met"),
        ("by_setting", "Met by a setting"),
        ("documented", "Held by a document"),
        ("absent", "Does not apply"),
    ):
        lines = sorted((number, reason) for number, (said, reason) in notes.items() if said == kind)
        lines.sort(key=lambda line: [int(part) for part in line[0].split(".")])
        parts += ["", f"## {heading}", "", *(f"- {number}: {reason}" for number, reason in lines)]
        if kind == "unmet":
            parts += [f"- {number}: no test holds it" for number in without_answer()]
    beyond = sorted(level_3() & held.keys(), key=lambda number: [int(part) for part in number.split(".")])
    parts += ["", "## Of level 3", "", "| requirement | tests |", "| --- | --- |"]
    parts += [f"| {number} | {'<br>'.join(f'`{test}`' for test in held[number])} |" for number in beyond]
    return "\n".join(parts) + "\n"


def _kind(number: str, notes: dict[str, tuple[str, str]], held: dict[str, list[str]]) -> str:
    if number in notes:
        return SAID[notes[number][0]]
    return "met" if number in held else "not met"


if __name__ == "__main__":
    sys.stdout.write(page())
