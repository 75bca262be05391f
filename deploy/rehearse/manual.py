"""The operator's documents, of which the rehearsal types each line as it stands there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.rehearse.stack import ROOT, RehearsalError

GUIDE = ROOT / "docs/running.md"
README = ROOT / "README.md"
# What can't be typed without other hosts or an authority.
NOT_HERE = {
    "deploy/certificate": "no authority can reach a machine that rehearses",
    "rsync -a backups/ HOST:kwippy-backups/": "there is no other host",
}
CRON = re.compile(r"^\d+ \d+ \* \* \* (.*)$")
SETTING = re.compile(r"^([A-Z][A-Z_]*)=(\S*)$")


@dataclass(frozen=True)
class Line:
    """A line of a code block, without its comment; ``section`` is the heading or the bold words before it."""

    section: str
    text: str


def lines(document: Path) -> Iterator[Line]:
    """Every line of its code blocks."""
    section = ""
    for line in document.read_text().splitlines():
        if found := re.match(r"^(?:#+ (.*)|\*\*(.+?)\.?\*\*)", line):
            section = found[1] or found[2]
        elif line.startswith("    ") and line.strip():
            yield Line(section, re.sub(r"\s{2,}# .*$", "", line.strip()))


def section(document: Path, name: str) -> list[Line]:
    """The lines of a section. Raises RehearsalError if it has none."""
    found = [line for line in lines(document) if line.section == name]
    if not found:
        raise RehearsalError(f"{document.name} has no lines under {name!r}")
    return found


def spoken(text: str, names: dict[str, str]) -> str:
    """The command of a line: what stands in capitals filled in, and without the times of cron."""
    if found := CRON.match(text):
        text = found[1].replace("\\%", "%")
    for name, value in names.items():
        text = re.sub(rf"\b{re.escape(name)}\b", value, text)
    return text
