"""Error pages: friendly, without internals, and with the text that was typed."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import path


def explode(request):
    raise RuntimeError("the secret inside")


urlpatterns = [path("explode/", explode)]
handler500 = "kwippy.errors.server_error"
handler404 = "kwippy.errors.not_found"


@pytest.mark.asvs("16.5.1", "16.3.4")
@override_settings(ROOT_URLCONF=__name__)
def test_a_fault_of_ours_shows_a_page_without_its_inside_and_reaches_the_log_with_the_id(caplog) -> None:
    with caplog.at_level(logging.INFO, "kwippy.request"):
        answer = Client(raise_request_exception=False).get("/explode/")
    assert answer.status_code == 500
    html = answer.content.decode()
    assert "secret inside" not in html
    assert "Traceback" not in html
    assert "<h1" in html
    assert "the secret inside" in caplog.text
    assert answer["X-Request-ID"] in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/nothing/here/", "/nobody_here/", "/kwip/1/edit/x", "/tag/"])
def test_what_is_not_there_is_a_friendly_404(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()


@pytest.mark.asvs("13.4.2")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/media/nothing.webp", "/media/", "/media/avatars/../../x", "/media/%2e%2e/x"]
)
def test_a_missing_file_tells_no_path_of_the_server(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code in (400, 404)
    assert str(settings.MEDIA_ROOT) not in answer.content.decode()
    assert "does not exist" not in answer.content.decode()


@pytest.mark.django_db
def test_what_the_site_itself_says_is_on_the_page(client: Client) -> None:
    assert "there is nobody of that name here" in client.get("/nobody_here/").content.decode()


def test_a_form_of_many_megabytes_is_a_413() -> None:
    answer = Client().post(
        "/kwip/", {"text": "x" * 3_000_000}, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code in (400, 413)
    long = Client().generic(
        "POST", "/kwip/", b"text=" + b"x" * 3_000_000, content_type="application/x-www-form-urlencoded"
    )
    assert long.status_code == 413
    assert "<h1" in long.content.decode()


def test_a_foreign_host_is_a_400(client: Client) -> None:
    with override_settings(ALLOWED_HOSTS=["kwippy.example"]):
        assert client.get("/about/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.asvs("16.5.3")
def test_without_postgresql_a_form_comes_back_as_a_503_with_its_text() -> None:
    script = """
import json, django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
client.cookies["sessionid"] = "a" * 32
answer = client.post("/kwip/", {"text": "dear <diary>"})
ready, alive, page = client.get("/readyz"), client.get("/livez"), client.get("/everyone/")
print(json.dumps([answer.status_code, answer["Retry-After"], answer.content.decode(),
    ready.status_code, alive.status_code, page.status_code]))
"""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "kwippy.settings",
        "DATABASE_HOST": "/nonexistent",
        "SITE_URL": "http://testserver",
        "STATIC_MANIFEST": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, retry_after, html, ready, alive, page = json.loads(done.stdout.splitlines()[-1])
    assert (status, int(retry_after) > 0, ready, alive, page) == (503, True, 503, 200, 503)
    assert "dear &lt;diary&gt;" in html
