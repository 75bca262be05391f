"""Prints docs/settings.md, made of the settings' own `#:` comments (see kwippy/settings/environment.py)."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

SOURCES = (
    "kwippy/settings/base.py",
    "kwippy/settings/media.py",
    "kwippy/settings/accounts.py",
    "kwippy/settings/optimizations.py",
    "kwippy/settings/security.py",
    "kwippy/settings/mail.py",
    "kwippy/settings/observability.py",
    "deploy/gunicorn.conf.py",
)
HEAD = """# Settings

Every setting is a variable of the environment; what is not set has a default that is safe for production. A
secret `X` may instead be in the file that `X_FILE` names; while that is empty, `X` is used. `manage.py check
--deploy` names what is missing or wrong. Lists are separated by commas. `kwippy/settings/optimizations.py`
switches the five optimizations.

This page is generated: `manage.py settingsdocs > docs/settings.md`.
"""
TYPES = {"str": "text", "int": "integer", "float": "number", "bool": "on or off", "list": "list"}
_ENTRY = re.compile(r"^ *#: ([A-Z][A-Z0-9_]+)(?: \[(.+?)\])?: (.+)$", re.DOTALL)


class SettingsDocsError(Exception):
    """A setting without a description, or a description without a setting."""


@dataclass
class Read:
    """One place where a source file reads a variable."""

    kind: str
    default: str


class Command(BaseCommand):
    help = "Print the page of all settings."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(Path(settings.BASE_DIR)), ending="")


def page(root: Path) -> str:
    """The whole page. Raises SettingsDocsError unless every variable that is read is described once."""
    parts, described, read = [HEAD], list[str](), set[str]()
    for name in SOURCES:
        source = (root / name).read_text()
        reads, entries = reads_of(source), entries_of(source)
        read |= reads.keys()
        described += [variable for variable, _, _ in entries]
        rows = [row(variable, default, meaning, reads) for variable, default, meaning in entries]
        title = (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
        table = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *rows]
        parts.append("\n".join([f"## {title.split(':')[0].split(',')[0]}", "", f"`{name}`", "", *table, ""]))
    if wrong := sorted(read ^ set(described)) or sorted({n for n in described if described.count(n) > 1}):
        raise SettingsDocsError(f"Describe each variable once, where it is read: {', '.join(wrong)}.")
    return "\n".join(parts)


def row(variable: str, default: str, meaning: str, reads: dict[str, Read]) -> str:
    if variable not in reads:
        raise SettingsDocsError(f"{variable} is described where it is not read.")
    return f"| `{variable}` | {reads[variable].kind} | {default or reads[variable].default} | {meaning} |"


def reads_of(source: str) -> dict[str, Read]:
    """The variables that a file reads: by ``env.…``, ``secret`` or ``os.environ.get``."""
    found: dict[str, Read] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called, _, method = ast.unparse(node.func).rpartition(".")
            is_secret = (called, method) == ("", "secret")
            if is_secret or called == "env" or (called, method) == ("os.environ", "get"):
                default = written(node.args[1] if len(node.args) > 1 else None)
                kind = "secret" if is_secret else TYPES.get(method, "text")
                if method == "get" and default.strip("`").isdigit():
                    kind = "integer"  # gunicorn's configuration converts it
                found.setdefault(str(node.args[0].value), Read(kind, default))
    return found


def written(default: ast.expr | None) -> str:
    """A literal default as an operator would write it."""
    value = default.value if isinstance(default, ast.Constant) else None
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value!s}`" if value not in (None, "") else "none"


def entries_of(source: str) -> list[tuple[str, str, str]]:
    """Each description of a file: variable, default ("" for the one in the code), meaning."""
    joined = re.sub(r"\n *#:   +", " ", source)
    matches = (_ENTRY.match(line) for line in joined.splitlines())
    return [(match[1], match[2] or "", match[3]) for match in matches if match]
