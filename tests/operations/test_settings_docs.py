"""docs/settings.md matches the settings' comments, and lists every variable."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from kwippy.management.commands import settingsdocs

ROOT = Path(settings.BASE_DIR)


def test_the_page_is_the_one_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("settingsdocs")
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == capsys.readouterr().out, "run: manage.py settingsdocs > docs/settings.md"


def test_every_file_of_the_settings_that_reads_the_environment_is_on_the_page() -> None:
    for path in (ROOT / "kwippy" / "settings").glob("*.py"):
        name = str(path.relative_to(ROOT))
        if path.name != "environment.py" and re.search(
            r"\b(env\.\w+|secret|environ\.get)\(", path.read_text()
        ):
            assert name in settingsdocs.SOURCES, name


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('TEA = env.str("TEA", "")\n', "TEA"),
        ("#: TEA: A drink.\n", "TEA is described where it is not read"),
        ('#: TEA: A drink.\n#: TEA: Once more.\nTEA = env.str("TEA", "")\n', "TEA"),
    ],
)
def test_a_variable_without_one_description_is_refused(
    written: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.py").write_text(f'"""Some."""\n{written}')
    monkeypatch.setattr(settingsdocs, "SOURCES", ("some.py",))
    with pytest.raises(settingsdocs.SettingsDocsError, match=named):
        settingsdocs.page(tmp_path)


def test_a_description_may_go_on_and_state_a_computed_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = '"""Some."""\n#: TEA [`green`]: A drink,\n#:   hot.\nTEA = env.str("TEA", leaf())\n'
    (tmp_path / "some.py").write_text(source)
    monkeypatch.setattr(settingsdocs, "SOURCES", ("some.py",))
    assert "| `TEA` | text | `green` | A drink, hot. |" in settingsdocs.page(tmp_path)
