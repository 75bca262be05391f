"""Translations: `python -m deploy.local.messages` extracts what is to be translated, and compiles it.

It adds new messages to each `locale/*/LC_MESSAGES/django.po` and removes those that the code no longer has.
The compiled `django.mo` beside it is committed too, so that nothing has to be compiled where the site runs.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("apps/**/*.py", "kwippy/**/*.py", "templates/**/*.*", "apps/*/templates/**/*.*")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    **{f"{name}_lazy": places for name, places in DEFAULT_KEYWORDS.items() if name.endswith("gettext")},
    "gettext_noop": None,
}


def files() -> list[Path]:
    """`locale/*/LC_MESSAGES/django.po`."""
    return sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))


def template() -> Catalog:
    """All messages of code and templates, in their order, without translations."""
    found = Catalog(project="kwippy")
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        if path.is_file() and "tests" not in path.parts:
            for message, context in _messages(path):
                found.add(message, context=context)
    return found


def _messages(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    text = path.read_text()
    if path.suffix != ".py":
        # As Python, in which all else is a name; each line is one of its own, whatever its indentation.
        text = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), KEYWORDS):
        yield message, context


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        catalog = read_po(file)
    catalog.locale = path.parent.parent.name
    return catalog


def updated(path: Path) -> bytes:
    """The file with the messages of today, and with the translations that it has of them."""
    catalog, out = read(path), io.BytesIO()
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.project, catalog.version, catalog.fuzzy = "kwippy", "", False
    catalog.header_comment = f"# {catalog.locale_identifier}: translated by `make messages` and by hand."
    catalog.last_translator = catalog.language_team = ""
    catalog.revision_date = catalog.creation_date
    write_po(out, catalog, width=110, no_location=True, ignore_obsolete=True)
    return out.getvalue()


def compiled(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def main() -> None:
    for path in files():
        path.write_bytes(updated(path))
        path.with_suffix(".mo").write_bytes(compiled(read(path)))
        left = sum(1 for message in read(path) if message.id and not message.string)
        print(f"{path.relative_to(ROOT)}: {left} without a translation")


if __name__ == "__main__":
    main()
