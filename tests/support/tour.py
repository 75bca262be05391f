"""The steps of `docs/tour.md`, each with the mutation that removes its line."""

import ast
import re
from dataclasses import dataclass

from tests.support.mutate import ROOT, Mutation, mutations

TOUR = ROOT / "docs" / "tour.md"
_STEP = re.compile(
    r"^(?P<number>\d)\. (?:.+\n)+?   `(?P<file>[\w/.]+\.(?:py|sql))(?::(?P<symbol>[\w.]+))?`\n\n"
    r"   ```\w+\n   (?P<line>.+)\n   ```\n\n   `(?P<test>[\w/]+\.py::\w+(?:\[\w+\])?)`$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """A promise: the line on which it depends, where it stands, and the test that fails without it."""

    part: str
    number: int
    file: str
    symbol: str
    line: str
    test: str

    def is_in_place(self) -> bool:
        """Whether the line stands in the symbol, or in the file if that is SQL."""
        source = (ROOT / self.file).read_text()
        whole = _of_symbol(source, self.symbol.split(".")) if self.symbol else source
        return self.line in (line.strip() for line in whole.splitlines())

    def mutation(self) -> Mutation | None:
        """The mutation of this line by which this test fails."""
        for mutation in mutations():
            changed = mutation.old.strip()
            if (
                mutation.file == self.file
                and self.test in mutation.tests
                and (changed in self.line or self.line in changed)
            ):
                return mutation
        return None


def steps() -> list[Step]:
    """All steps, in the order of the page."""
    found = []
    for part in TOUR.read_text().split("\n## ")[1:]:
        for match in _STEP.finditer(part):
            name, symbol = part.partition("\n")[0], match["symbol"] or ""
            found.append(
                Step(name, int(match["number"]), match["file"], symbol, match["line"], match["test"])
            )
    return found


def _of_symbol(source: str, names: list[str]) -> str:
    """The source of a function, class or method; "" if there is none."""
    body: list[ast.stmt] = ast.parse(source).body
    for place, name in enumerate(names):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                if place == len(names) - 1:
                    return ast.get_source_segment(source, node) or ""
                body = node.body
                break
        else:
            return ""
    return ""
