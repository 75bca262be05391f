"""Templates obey the layers that import-linter holds the code to."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# From the top down; all other packages are the platform, below these.
LAYERS = [
    "kwippy", "archive", "directory", "drafts", "inbound", "moderation", "contact", "sitepages",
    "notifications", "search", "tokens", "feeds", "messages", "kwips", "graph", "factors", "accounts",
    "puzzles",
]  # fmt: skip
# Folders that libraries name: allauth's pages are those of accounts.
OWNERS = {"account": "accounts", "allauth": "accounts", "usersessions": "accounts", "mfa": "factors"}
# The mails of an app, by the beginning of their templates' names.
MAILS = {
    "contact_": "contact", "notice_": "notifications", "digest_": "notifications",
    "moderation_": "moderation", "appeal_answered_": "moderation",
    "not_published_": "drafts",
    "mail_refused_": "inbound", "mail_without_pictures_": "inbound",
}  # fmt: skip
# The frame of every page is the project's, and so are pages that no app has.
FRAME = {"base.html", "two_columns.html", "_announcement.html", "_nav.html", "_side.html", "_icons.html"}
ALL = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def owner(name: str) -> str:
    """The app that a template belongs to: its folder's, the project, or "" for a part that all may use."""
    folder, _, rest = name.rpartition("/")
    if folder:
        first = folder.split("/")[0]
        if first == "mail":
            return next((app for start, app in MAILS.items() if rest.startswith(start)), "")
        return (folder.partition("/")[2] or "kwippy") if first == "admin" else OWNERS.get(first, first)
    return "" if name.startswith("_") and name not in FRAME else "kwippy"


def depth(app: str) -> int:
    return LAYERS.index(app) if app in LAYERS else len(LAYERS)


def library_owner(library: str) -> str:
    """The app of a tag library; "" for Django's and the platform's."""
    module = engines["django"].engine.libraries[library]  # type: ignore[attr-defined]
    found = re.match(r"apps\.(\w+)\.", module)
    return found[1] if found and found[1] in LAYERS else "kwippy" if module.startswith("kwippy") else ""


@pytest.mark.parametrize("name", ALL)
def test_a_template_uses_nothing_from_above_its_own_layer(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    own = depth(owner(name))
    libraries = [word for words in re.findall(r"{% load ([\w ]+?) %}", text) for word in words.split()]
    used = {library: library_owner(library) for library in libraries}
    used |= {found: owner(found) for found in re.findall(r'{% include "([^"]+)"', text)}
    above = [what for what, of in used.items() if depth(of) < own]
    assert above == []
