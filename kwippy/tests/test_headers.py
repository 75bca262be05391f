"""What every response tells the browser, and every log line the operator."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/", "/about/", "/accounts/login/", "/nothing/here/"])
def test_the_policy_starts_from_nothing_and_has_no_loophole(client: Client, address: str) -> None:
    answer = client.get(address)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:"} & set(" ".join(policy.values()).split())
    assert "nonce-" not in answer["Content-Security-Policy"]
    for name in ("form-action", "base-uri", "frame-ancestors", "object-src"):
        assert policy[name] in ("'self'", "'none'")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))


def test_cookies_are_bound_to_the_host_over_tls() -> None:
    script = """
import django
django.setup()
from django.conf import settings
print(settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_NAME,
    settings.CSRF_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_PATH,
    settings.SESSION_COOKIE_DOMAIN, settings.SECURE_HSTS_SECONDS >= 31536000, settings.SECURE_SSL_REDIRECT)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "kwippy.settings", "SITE_URL": "https://kwippy.example"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "__Host-sessionid", "True", "__Host-csrftoken", "True", "True", "/", "None", "True", "True",
    ]  # fmt: skip


def test_each_answer_has_an_id_and_one_line_of_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kwippy.request"):
        answer = client.get("/about/?q=private")
    [line] = [record.msg for record in caplog.records if record.name == "kwippy.request"]
    assert isinstance(line, dict)
    assert (line["path"], line["status"], line["request_id"]) == ("/about/", 200, answer["X-Request-ID"])


@pytest.mark.parametrize("foreign", ["abc\nforged", "x" * 65, "short", 'a"}b{"c'])
def test_a_forged_id_does_not_reach_the_log(client: Client, foreign: str) -> None:
    assert client.get("/about/", headers={"x-request-id": foreign})["X-Request-ID"] != foreign


def test_the_id_of_a_proxy_in_front_is_kept(client: Client) -> None:
    assert (
        client.get("/about/", headers={"x-request-id": "0123456789abcdef"})["X-Request-ID"]
        == "0123456789abcdef"
    )


def test_keys_in_links_do_not_reach_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kwippy.request"):
        client.get("/accounts/confirm-email/sesame/")
        client.get("/accounts/password/reset/key/1-sesame/")
    assert "sesame" not in caplog.text


def test_a_log_line_is_json_without_local_variables() -> None:
    script = """
import django
django.setup()
import logging
def sign_in(password):
    raise RuntimeError("boom")
try:
    sign_in("sesame")
except RuntimeError:
    logging.getLogger("django.request").error("it broke", exc_info=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "kwippy.settings", "LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
    )
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["event"], line["level"]) == ("it broke", "error")
    assert "boom" in json.dumps(line["exception"])
    assert "locals" not in json.dumps(line["exception"])
