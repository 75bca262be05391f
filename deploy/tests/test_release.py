"""What is done once for each release: files for nginx, a first certificate."""

import json
import ssl
from pathlib import Path

import pytest

from deploy import release


def collected(folder: Path, **files: str) -> Path:
    """Static files as `collectstatic` leaves them: each under its own name and under its content's."""
    paths = {}
    for name, content in files.items():
        paths[f"{name}.css"] = f"css/{name}.{content}.css"
        for path in (f"{name}.css", paths[f"{name}.css"], paths[f"{name}.css"] + ".gz"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
    (folder / release.MANIFEST).write_text(json.dumps({"paths": paths}))
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "css").rglob("*")}


def test_files_of_the_release_before_stay_and_those_before_it_go(tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    first, second, third = (
        collected(tmp_path / content, site=content, same="always") for content in ("a", "b", "c")
    )
    always = {"css/same.always.css", "css/same.always.css.gz"}
    release.publish(first, published)
    assert names(published) == always | {"css/site.a.css", "css/site.a.css.gz"}
    release.publish(second, published)
    release.publish(second, published)  # doing it again forgets nothing
    of_two = {"css/site.a.css", "css/site.a.css.gz", "css/site.b.css", "css/site.b.css.gz"}
    assert names(published) == always | of_two
    release.publish(third, published)
    of_two = {"css/site.b.css", "css/site.b.css.gz", "css/site.c.css", "css/site.c.css.gz"}
    assert names(published) == always | of_two
    release.publish(second, published)  # and back again
    assert names(published) == always | of_two


def test_a_first_certificate_is_for_the_site_and_its_key_is_not_for_everybody(tmp_path: Path) -> None:
    release.certify(tmp_path, "kwippy.example")
    chain, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    ssl.create_default_context().load_cert_chain(chain, key)
    assert key.stat().st_mode & 0o777 == 0o640
    context = ssl.create_default_context(cafile=str(chain))
    assert context.get_ca_certs()[0]["subjectAltName"] == (("DNS", "kwippy.example"),)


def test_a_certificate_that_is_there_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fullchain.pem").write_text("the operator's")
    release.certify(tmp_path, "kwippy.example")
    assert [path.name for path in tmp_path.iterdir()] == ["fullchain.pem"]
    assert capsys.readouterr().out == ""
