"""Every mail can be looked at, and is one that mail programs show."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command


@pytest.fixture
def preview(tmp_path: Path) -> Path:
    call_command("previewmail", out=tmp_path, verbosity=0)
    return tmp_path


def test_each_mail_is_two_files(preview: Path) -> None:
    assert {path.stem for path in preview.glob("*.txt")} == {path.stem for path in preview.glob("*.html")}


def test_both_parts_of_a_mail_lead_to_the_same_places(preview: Path) -> None:
    for html in preview.glob("*.html"):
        hrefs = set(re.findall(r'href="([^"]+)"', html.read_text()))
        links = set(re.findall(r"https?://\S+", html.with_suffix(".txt").read_text()))
        home = {settings.SITE_URL}
        assert links | home == hrefs | home, html.stem


def test_a_mail_fetches_nothing_and_leaves_no_gap(preview: Path) -> None:
    for path in preview.iterdir():
        text = path.read_text()
        assert not re.search(r"<img|<link|<script|url\(|@import", text), path.name
        assert "{{" not in text, path.name
        assert "None" not in text, path.name
        assert re.search(r"happy kwipping|all messages", text), path.name


def test_one_mail_alone_or_none_of_that_name(tmp_path: Path) -> None:
    call_command("previewmail", "contact_sender", out=tmp_path, verbosity=0)
    assert {path.name for path in tmp_path.iterdir()} == {"contact_sender.txt", "contact_sender.html"}
    with pytest.raises(CommandError, match="contact_sender"):
        call_command("previewmail", "contact", out=tmp_path, verbosity=0)
