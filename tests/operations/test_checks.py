"""System checks: each wrong setting is reported under its id."""

from pathlib import Path

import pytest
from django.core import checks

from kwippy.checks import CHECKS
from tests.support.forked_manage import Manage

HEALTHY = {
    "SITE_URL": "https://kwippy.example",
    "SECRET_KEY": "production-" * 6,
    "DEFAULT_FROM_EMAIL": "kwippy <hello@kwippy.example>",
    "SMTP_HOST": "mail.kwippy.example",
    "CONTACT_EMAIL": "operators@kwippy.example",
    "DATABASE_HOST": "postgres",
    "MEMCACHED_SERVERS": "memcached:11211",
    "MAIL_DIR": "",
    "DEBUG": "false",
    "BEHIND_TLS_PROXY": "on",
    "TRUSTED_PROXIES": "unix",
}


@pytest.mark.asvs("13.4.2", "15.2.3")
def test_a_production_site_has_nothing_to_warn_of(tmp_path: Path, manage: Manage) -> None:
    done = manage("check", "--deploy", "--fail-level", "INFO", **HEALTHY, MEDIA_ROOT=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "(2 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"SITE_URL": ""}, "kwippy.E001"),
        ({"SITE_URL": "kwippy.example"}, "kwippy.E001"),
        ({"SITE_URL": "https://kwippy.example/site"}, "kwippy.E001"),
        ({"SITE_URL": "http://kwippy.example"}, "kwippy.W001"),
        ({"SITE_URL": "", "DOMAIN": "localhost:8443"}, "kwippy.E010"),
        ({"SITE_URL": "", "DOMAIN": "a.example www.a.example"}, "kwippy.E010"),
        ({"SITE_URL": "", "DOMAIN": "https://kwippy.example"}, "kwippy.E010"),
        ({"SITE_URL": "", "DOMAIN": "my_site.example"}, "kwippy.E010"),
        ({"SITE_URL": "", "DOMAIN": "kwippy.example", "HTTPS_PORT": "127.0.0.1:8443"}, "kwippy.E001"),
        ({"DOMAIN": "other.example"}, "kwippy.E011"),
        ({"SHED_AFTER_MS": "5"}, "kwippy.E017"),
        ({"SHED_AFTER_MS": "-1"}, "kwippy.E017"),
        ({"SHED_RENDERS": "2"}, "kwippy.W008"),
        ({"SHED_RENDERS": "-1"}, "kwippy.E018"),
        ({"WEB_THREADS": "4"}, "kwippy.W008"),
        ({"MARK_SECONDS": "15"}, "kwippy.E016"),
        ({"MARK_SECONDS": "301"}, "kwippy.E016"),
        ({"BEHIND_TLS_PROXY": "off"}, "kwippy.W005"),
        ({"TRUSTED_PROXIES": ""}, "kwippy.W006"),
        ({"SECRET_KEY": ""}, "kwippy.E002"),
        ({"SECRET_KEY": "short"}, "kwippy.E002"),
        ({"SMTP_HOST": ""}, "kwippy.E003"),
        ({"DEFAULT_FROM_EMAIL": "kwippy"}, "kwippy.E004"),
        ({"MEMCACHED_SERVERS": "memcached"}, "kwippy.E005"),
        ({"MEMCACHED_SERVERS": ""}, "kwippy.W002"),
        ({"PAGECACHE_GENERATIONS_TTL_MS": "5000"}, "kwippy.E012"),
        ({"MEDIA_ROOT": "/etc/hostname/media"}, "kwippy.E006"),
        ({"DEBUG": "true"}, "kwippy.E007"),
        ({"XRAY": "on"}, "kwippy.E019"),
        ({"SESSION_IDLE_DAYS": "0"}, "kwippy.E020"),
        ({"SESSION_IDLE_DAYS": "31"}, "kwippy.E020"),
        ({"CONTACT_EMAIL": ""}, "kwippy.W004"),
        ({"CONTACT_EMAIL": "operators"}, "kwippy.E008"),
        ({"SITE_LANGUAGE": "klingon"}, "kwippy.E013"),
        ({"INBOUND_ADDRESS": "post@kwippy.example"}, "kwippy.E014"),
        ({"INBOUND_ADDRESS": "a-name-that-is-too-long+{token}@kwippy.example"}, "kwippy.E014"),
        ({"INBOUND_IMAP_HOST": "imap.kwippy.example"}, "kwippy.W007"),
        ({"METRICS_NETWORKS": "everybody"}, "kwippy.E009"),
        ({"TRUSTED_PROXIES": "127.0.0.1,proxy"}, "limits.E002"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(f"{k}={v}" for k, v in value.items()),
)
def test_a_wrong_setting_is_named(wrong: dict[str, str], named: str, tmp_path: Path, manage: Manage) -> None:
    done = manage("check", **{"MEDIA_ROOT": str(tmp_path), **HEALTHY, **wrong})
    assert named in done.stderr + done.stdout, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("statement_timeout", ["0", "5000", "300000"])
@pytest.mark.parametrize("mark_seconds", ["", "0", "16", "30", "300"])
def test_marks_are_right_with_any_limit_of_statements(
    mark_seconds: str, statement_timeout: str, tmp_path: Path, manage: Manage
) -> None:
    """One container may have no such limit and the next a long one: the check says the same to each."""
    limits = {"DATABASE_STATEMENT_TIMEOUT_MS": statement_timeout} | (
        {"MARK_SECONDS": mark_seconds} if mark_seconds else {}
    )
    done = manage("check", "--fail-level", "INFO", **HEALTHY, **limits, MEDIA_ROOT=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("site", "seconds"),
    [
        ("https://localhost", "0"),
        ("https://localhost:8443", "0"),
        ("https://127.0.0.1", "0"),
        ("https://kwippy.example:8443", "31536000"),
    ],
)
def test_hsts_is_never_sent_for_localhost(site: str, seconds: str, tmp_path: Path, manage: Manage) -> None:
    program = "from django.conf import settings; print(settings.SECURE_HSTS_SECONDS)"
    environment = {**HEALTHY, "SITE_URL": site, "MEDIA_ROOT": str(tmp_path)}
    assert manage("shell", "-v0", "-c", program, **environment).stdout.strip() == seconds


def test_a_missing_database_host_is_said(manage: Manage) -> None:
    done = manage("check", "--database", "default", **{**HEALTHY, "DATABASE_HOST": "", "MEDIA_ROOT": "/tmp"})
    assert "kwippy.W003" in done.stderr + done.stdout


def test_a_secret_may_come_from_a_file(tmp_path: Path, manage: Manage) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-" * 5 + "\n")
    environment = {**HEALTHY, "MEDIA_ROOT": str(tmp_path), "SECRET_KEY_FILE": str(secret)}
    del environment["SECRET_KEY"]
    done = manage(
        "shell", "-v0", "-c", "from django.conf import settings; print(settings.SECRET_KEY)", **environment
    )
    assert done.stdout.strip() == "from-a-file-" * 5


@pytest.mark.parametrize(("content", "password"), [("new\n", "new"), ("\n", "of-before")])
def test_a_secret_of_the_environment_is_used_while_its_file_is_empty(
    content: str, password: str, tmp_path: Path, manage: Manage
) -> None:
    """As after the upgrade of a site whose `.env` has the password."""
    file = tmp_path / "inbound_imap_password"
    file.write_text(content)
    environment = HEALTHY | {"INBOUND_IMAP_PASSWORD": "of-before", "INBOUND_IMAP_PASSWORD_FILE": str(file)}
    shown = "from django.conf import settings; print(settings.INBOUND_IMAP_PASSWORD)"
    done = manage("shell", "-v0", "-c", shown, **environment, MEDIA_ROOT=str(tmp_path))
    assert done.stdout.strip() == password, done.stderr


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["no file", "no text"])
def test_a_secret_file_that_cannot_be_read_is_named_with_what_to_do(
    content: bytes | None, tmp_path: Path, manage: Manage
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    done = manage("check", **{**HEALTHY, "DATABASE_PASSWORD_FILE": str(path)})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"DATABASE_PASSWORD_FILE is {str(path)!r}, and that file can't be read: " in last
    assert last.endswith("Create the file, or unset DATABASE_PASSWORD_FILE and set DATABASE_PASSWORD.")


def test_every_check_of_ours_is_registered() -> None:
    ours = {
        getattr(check, "__name__", "")
        for check in checks.registry.registry.get_checks(include_deployment_checks=True)
    }
    assert {check.__name__ for check in CHECKS} <= ours
    assert {"database", "check_settings"} <= ours
