"""The preparation of a release: static files for nginx, a first certificate, migrations."""

import json
import ssl
from pathlib import Path

import psycopg2
import pytest
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from deploy import prepare_release as release


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


class Commands:
    """A fake `call_command` that records its calls and raises the given errors."""

    def __init__(self, **failing: list[BaseException]) -> None:
        self.called: list[str] = []
        self.failing = failing

    def __call__(self, name: str, **options: object) -> None:
        self.called.append(name)
        if self.failing.get(name):
            raise self.failing[name].pop(0)


def failed(sql: str) -> OperationalError:
    """The error that PostgreSQL really has for a statement, as Django raises it."""
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute(sql)
    return caught.value


def raising(code: str) -> OperationalError:
    error = failed(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$")
    cause = error.__cause__
    assert isinstance(cause, psycopg2.Error)
    assert cause.pgcode == code
    return error


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited: the clock is not ours."""
    waited: list[float] = []
    monkeypatch.setattr(release.time, "sleep", waited.append)
    return waited


@pytest.mark.django_db(transaction=True)
def test_a_migration_waits_for_a_lock_and_tries_again(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    commands = Commands(migrate=[raising(release.LOCK_NOT_AVAILABLE) for _ in range(3)])
    monkeypatch.setattr(release, "call_command", commands)
    release.migrate()
    assert commands.called == ["migrate"] * 4
    assert pauses == [release.PAUSE_SECONDS] * 3


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_never_free_ends_it(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    commands = Commands(migrate=[raising(release.LOCK_NOT_AVAILABLE) for _ in range(release.ATTEMPTS)])
    monkeypatch.setattr(release, "call_command", commands)
    with pytest.raises(OperationalError):
        release.migrate()
    assert len(pauses) == release.ATTEMPTS - 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", ["57014", "53300", "53100", "57P01"])
def test_any_other_fault_of_a_migration_ends_it_at_once(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], code: str
) -> None:
    commands = Commands(migrate=[raising(code)])
    monkeypatch.setattr(release, "call_command", commands)
    with pytest.raises(OperationalError):
        release.migrate()
    assert (commands.called, pauses) == (["migrate"], [])


def test_a_setting_that_is_wrong_ends_a_release_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = Commands(check=[SystemCheckError("DOMAIN is wrong")])
    monkeypatch.setattr(release, "call_command", commands)
    for name in ("PUBLISHED", "CERTIFICATES"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(release, name, tmp_path / name)
    with pytest.raises(SystemCheckError):
        release.main()
    assert commands.called == ["check"]
    assert not list((tmp_path / "PUBLISHED").iterdir()) + list((tmp_path / "CERTIFICATES").iterdir())
