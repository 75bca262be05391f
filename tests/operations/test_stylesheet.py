"""One style sheet is served, built from all sources."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import override_settings

from kwippy.stylesheet import SHEET, SOURCE, imported, joined

HASHED = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}


def rules(text: str) -> str:
    """The text without comments and white space."""
    text = re.sub(r"\s", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return text.replace(";}", "}").replace("0.", ".")


def test_every_source_is_in_the_style_sheet_once_and_in_order() -> None:
    sources = [path.relative_to(SOURCE.parent).as_posix() for path in SOURCE.parent.rglob("*.css")]
    assert sorted([*imported(), SOURCE.name]) == sorted(sources)
    assert rules(joined()) == "".join(rules((SOURCE.parent / name).read_text()) for name in imported())
    assert "@import" not in joined()


def test_the_sheet_of_tokens_orders_the_layers_and_media_have_the_last_word() -> None:
    assert (imported()[0], imported()[-1]) == ("tokens.css", "parts/media.css")
    assert joined().startswith("@layer base,parts,pages;")


def test_the_site_finds_the_built_style_sheet(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=str(tmp_path / "static")):
        found = finders.find(SHEET)
        assert found
        assert Path(found).read_text() == joined()
        assert finders.find(SHEET, find_all=True) == [found]
        # A source that changed is built anew.
        Path(found).write_text("")
        assert Path(str(finders.find(SHEET))).read_text() == joined()


def test_one_style_sheet_is_collected_and_no_source(tmp_path: Path) -> None:
    root = tmp_path / "static"
    with override_settings(STATIC_ROOT=str(root), STORAGES=settings.STORAGES | {"staticfiles": HASHED}):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "account"])
    hashed = json.loads((root / "staticfiles.json").read_text())["paths"][SHEET]
    assert re.fullmatch(r"css/kwippy\.\w{12}\.css", hashed)
    assert {path.relative_to(root).as_posix() for path in (root / "css").glob("**/*.css")} == {SHEET, hashed}
    assert (root / f"{hashed}.gz").exists()
    assert (root / SHEET).read_text() == joined()


@pytest.mark.parametrize("page", ["base.html", "_bare.html"])
def test_a_page_links_one_style_sheet(page: str) -> None:
    text = (Path(settings.BASE_DIR) / "templates" / page).read_text()
    assert text.count('rel="stylesheet"') == 1
    assert SHEET in text
