"""The headers of every response, and the fields of every log line."""

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


# The whole policy: a change of it must be repeated here.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "report-uri": "/csp-reports/",
}
HEADERS = {
    "Cache-Control": "private, no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), "
        "fullscreen=(self), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), publickey-credentials-create=(self), "
        "publickey-credentials-get=(self), "
        "screen-wake-lock=(), serial=(), sync-xhr=(), usb=(), xr-spatial-tracking=()"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Other headers, which have no effect on security.
OTHER_HEADERS = {"Content-Length", "Content-Type", "Server-Timing", "Vary", "X-Request-ID"}


@pytest.mark.asvs("3.4.3", "3.4.4", "3.4.5", "3.4.6", "3.4.2", "14.3.2")
@pytest.mark.parametrize("address", ["/", "/about/", "/accounts/login/", "/nothing/here/"])
def test_every_page_has_the_whole_policy_and_the_same_headers(client: Client, address: str) -> None:
    answer = client.get(address)
    policy = [part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")]
    assert sorted(policy) == sorted(map(list, POLICY.items()))
    told = {name: value for name, value in answer.headers.items() if name not in OTHER_HEADERS}
    del told["Content-Security-Policy"]
    if address == "/accounts/login/":
        # allauth uses Django's decorator, with more directives and a date.
        del told["Expires"]
        assert told.pop("Cache-Control") == "max-age=0, no-cache, no-store, must-revalidate, private"
        told["Cache-Control"] = HEADERS["Cache-Control"]
    assert told == HEADERS


def test_an_answer_to_a_script_has_the_headers_that_matter_without_a_document(client: Client) -> None:
    client.force_login(User.objects.create_user("ann", "ann@example.org"))
    answer = client.get("/people/complete/?q=an")
    assert answer["Content-Type"] == "application/json"
    told = {name: value for name, value in answer.headers.items() if name not in OTHER_HEADERS}
    assert told == {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


def settings_with(**environment: str) -> dict[str, Any]:
    """The cookie and TLS settings of a process with this environment."""
    script = """
import django, json
django.setup()
from django.conf import settings
prefixes = ("SECURE_", "X_FRAME_", "DOCUMENT_")
names = [name for name in dir(settings) if "COOKIE" in name or name.startswith(prefixes)]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "kwippy.settings", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_pictures_of_another_host_are_allowed_by_its_address_only() -> None:
    elsewhere = settings_with(MEDIA_URL="https://pictures.example/kwippy/")
    assert elsewhere["SECURE_CSP"]["img-src"] == ["'self'", "https://pictures.example/kwippy/"]
    assert settings_with()["SECURE_CSP"]["img-src"] == ["'self'"]


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.3", "3.3.4", "12.2.1", "4.1.2")
def test_cookies_are_bound_to_the_host_and_tls_sites_stay_on_tls() -> None:
    assert settings_with(SITE_URL="https://kwippy.example") == {
        "COOKIE_PREFIX": "__Host-",
        "CSRF_COOKIE_AGE": 31449600,
        "CSRF_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "CSRF_COOKIE_PATH": "/",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "DOCUMENT_HEADERS": {
            **{
                name: value
                for name, value in HEADERS.items()
                if name.startswith(("Permissions-", "Cross-Origin-")) and "Opener" not in name
            },
            # Browsers report to TLS alone.
            "Reporting-Endpoints": 'csp="/csp-reports/"',
        },
        "KNOWN_BROWSER_COOKIE": "__Host-browser",
        "LANGUAGE_COOKIE_AGE": None,
        "LANGUAGE_COOKIE_DOMAIN": None,
        "LANGUAGE_COOKIE_HTTPONLY": False,
        "LANGUAGE_COOKIE_NAME": "django_language",
        "LANGUAGE_COOKIE_PATH": "/",
        "LANGUAGE_COOKIE_SAMESITE": None,
        "LANGUAGE_COOKIE_SECURE": False,
        "MFA_TRUST_COOKIE_AGE": "30 days, 0:00:00",
        "MFA_TRUST_COOKIE_HTTPONLY": True,
        "MFA_TRUST_COOKIE_NAME": "__Host-trusted",
        "MFA_TRUST_COOKIE_SECURE": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_CSP": {**{name: [value] for name, value in POLICY.items()}, "report-to": ["csp"]},
        "SECURE_CSP_REPORT_ONLY": {},
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": False,
        "SECURE_HSTS_PRELOAD": False,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_PROXY_SSL_HEADER": None,
        "SECURE_REDIRECT_EXEMPT": [],
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_SSL_HOST": None,
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_AGE": 2_592_000,
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": True,
        "SIGNED_COOKIE_LEGACY_SALT_FALLBACK": False,
        "X_FRAME_OPTIONS": "DENY",
    }


@pytest.mark.asvs("3.4.1")
def test_browsers_are_told_to_stay_on_tls_for_hosts_below_the_site_s_too_where_the_operator_says_so(
    client: Client, settings: Any
) -> None:
    def told(**environment: str) -> tuple[int, bool]:
        found = settings_with(**environment)
        return found["SECURE_HSTS_SECONDS"], found["SECURE_HSTS_INCLUDE_SUBDOMAINS"]

    site = {"SITE_URL": "https://kwippy.example"}
    # An upgrade changes nothing for other hosts of the operator's.
    assert told(**site) == (31_536_000, False)
    assert told(**site, HSTS_SUBDOMAINS="on") == (31_536_000, True)
    assert told(**site, HSTS_SUBDOMAINS="on", HSTS_SECONDS="0") == (0, False)
    assert told(SITE_URL="https://localhost", HSTS_SUBDOMAINS="on") == (0, False)
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = told(**site, HSTS_SUBDOMAINS="on")
    for address in ("/about/", "/nothing/here/", "/people/complete/"):
        answer = client.get(address, secure=True)
        assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", address


def test_a_proxy_is_believed_about_tls_only_where_the_operator_says_so() -> None:
    told = settings_with(SITE_URL="https://kwippy.example", BEHIND_TLS_PROXY="true")
    assert told["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


@pytest.mark.asvs("3.3.2", "3.3.4")
def test_cookies_that_are_set_have_the_flags_of_the_settings(client: Client) -> None:
    User.objects.create_user("ann", "ann@example.org", "a long password")
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "ann", "password": "a long password"})
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", ""), name


def test_each_answer_has_an_id_and_one_line_of_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kwippy.request"):
        answer = client.get("/about/?q=private")
    [line] = [record.msg for record in caplog.records if record.name == "kwippy.request"]
    assert isinstance(line, dict)
    assert (line["path"], line["status"], line["request_id"]) == ("/about/", 200, answer["X-Request-ID"])


@pytest.mark.asvs("16.4.1")
@pytest.mark.parametrize("foreign", ["abc\nforged", "x" * 65, "short", 'a"}b{"c'])
def test_a_forged_id_does_not_reach_the_log(client: Client, foreign: str) -> None:
    assert client.get("/about/", headers={"x-request-id": foreign})["X-Request-ID"] != foreign


def test_the_id_of_a_proxy_in_front_is_used(client: Client) -> None:
    assert (
        client.get("/about/", headers={"x-request-id": "0123456789abcdef"})["X-Request-ID"]
        == "0123456789abcdef"
    )


@pytest.mark.asvs("14.2.1", "16.2.5")
def test_keys_in_links_do_not_reach_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kwippy.request"):
        client.get("/accounts/confirm-email/sesame/")
        client.get("/accounts/password/reset/key/1-sesame/")
    assert "sesame" not in caplog.text


@pytest.mark.asvs("16.2.4", "16.5.1")
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
