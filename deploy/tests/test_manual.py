"""The rehearsal finds every line of the documents, and skips none without a reason."""

from deploy.rehearse import manual


def test_the_readme_starts_a_site_as_the_guide_does() -> None:
    short = [line.text for line in manual.section(manual.README, "A site for others")]
    assert short == [line.text for line in manual.section(manual.GUIDE, "The first start")][1:]


def test_what_can_not_be_typed_is_in_the_guide() -> None:
    assert set(manual.NOT_REHEARSED) <= {line.text for line in manual.lines(manual.GUIDE)}


def test_a_line_is_its_command() -> None:
    assert manual.command_of("deploy/backup FOLDER", {"FOLDER": "kept"}) == "deploy/backup kept"
    nightly = manual.command_of("15 3 * * * cd PATH && date +\\%F", {"PATH": "/srv/kwippy"})
    assert nightly == "cd /srv/kwippy && date +%F"
    assert all("#" not in line.text for line in manual.lines(manual.GUIDE))


def test_every_line_of_the_guide_has_a_section() -> None:
    found = list(manual.lines(manual.GUIDE))
    assert len(found) > 30
    assert all(line.section for line in found)
    assert len(found) == len(set(found))
