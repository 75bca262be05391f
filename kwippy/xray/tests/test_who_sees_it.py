"""Only a developer's own browser gets an x-ray, and where it is off nothing of it is there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps import lookaside
from kwippy.xray.wsgi import XRay

PAGE = b"<html><body>tea</body></html>"
# A request of a browser on the developer's machine.
BROWSER = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "localhost:8000",
    "HTTP_ACCEPT": "text/html,*/*",
}
HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE))), ("ETag", '"1"')]


def answer(
    environ: dict[str, Any],
    *,
    body: Iterable[bytes] = (PAGE,),
    headers: Any = HEADERS,
    status: str = "200 OK",
) -> tuple[str, dict[str, str], Iterable[bytes]]:
    """What the wrapper makes of an application's answer: status, headers, body."""
    started: list[Any] = []

    def application(_: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return body

    chunks = XRay(application)(environ, lambda *told: started.append(told))
    return started[0][0], dict(started[0][1]), chunks


@pytest.mark.parametrize("address", [("127.0.0.1", "localhost:8000"), ("::1", "[::1]:8000")])
def test_a_browser_on_the_machine_gets_a_panel_and_no_validator(address: tuple[str, str]) -> None:
    remote, host = address
    _, headers, chunks = answer({**BROWSER, "REMOTE_ADDR": remote, "HTTP_HOST": host})
    page = b"".join(chunks)
    assert page.startswith(b"<html><body>tea<link")
    assert page.endswith(b"</aside>\n</body></html>")
    assert headers == {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))}


@pytest.mark.parametrize(
    "other",
    [
        {"REMOTE_ADDR": "10.0.0.5"},
        {"REMOTE_ADDR": ""},  # a Unix socket
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_HOST": "kwippy.example"},
        {"HTTP_HOST": "localhost.kwippy.example"},
        {"HTTP_HOST": "[::"},
        {"HTTP_HOST": ""},
        {"HTTP_ACCEPT": "*/*"},
        {"HTTP_ACCEPT": ""},
    ],
    ids=str,
)
def test_any_other_request_gets_exactly_the_answer_of_the_site(other: dict[str, str]) -> None:
    body = [PAGE]
    _, headers, chunks = answer({**BROWSER, **other}, body=body)
    assert chunks is body
    assert headers == dict(HEADERS)


@pytest.mark.parametrize("other", [{"REMOTE_ADDR": "10.0.0.5"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}])
def test_its_own_pages_are_for_the_developer_too(other: dict[str, str]) -> None:
    path = {"PATH_INFO": "/-/xray/pagecache"}
    assert b"surrogate key" in b"".join(answer({**BROWSER, **path})[2])
    assert list(answer({**BROWSER, **path, **other})[2]) == [PAGE]


def test_what_is_not_html_is_passed_on_unread() -> None:
    def pieces() -> Iterable[bytes]:
        raise AssertionError("read before it was sent")
        yield b""

    archive = pieces()
    _, headers, chunks = answer(BROWSER, body=archive, headers=[("Content-Type", "application/zip")])
    assert chunks is archive
    assert headers == {"Content-Type": "application/zip"}


def test_a_part_of_a_page_stays_as_it_is() -> None:
    assert list(answer(BROWSER, body=[b"<p>tea</p>"])[2]) == [b"<p>tea</p>"]


def test_a_page_for_everyone_is_for_this_browser_alone_with_its_panel() -> None:
    public = [*HEADERS, ("Cache-Control", "public, max-age=0, s-maxage=1")]
    assert answer(BROWSER, headers=public)[1]["Cache-Control"] == "private, no-store"
    private = [*HEADERS, ("Cache-Control", "private, no-cache")]
    assert answer(BROWSER, headers=private)[1]["Cache-Control"] == "private, no-cache"


def test_an_application_that_raises_leaves_nothing_behind() -> None:
    def application(*_: Any) -> Iterable[bytes]:
        raise LookupError("tea")

    with pytest.raises(LookupError):
        XRay(application)(dict(BROWSER), lambda *_: None)
    assert "get_many_or_compute" not in vars(lookaside.cache())


PROGRAM = """
import sys
{before}
from kwippy.wsgi import application
print(type(application).__name__, "kwippy.xray" in sys.modules)
"""


@pytest.mark.parametrize(
    ("variables", "before", "told"),
    [
        ({"XRAY": "on"}, "", "XRay True"),
        ({}, "", "PageCache False"),
        ({"XRAY": "on", "SITE_URL": "https://kwippy.example"}, "", "PageCache True"),
        ({"XRAY": "on"}, "sys.modules['kwippy.xray'] = None  # as in the image", "PageCache True"),
    ],
    ids=["on", "off by default", "on another host", "in the image"],
)
def test_it_is_loaded_only_where_it_is_on_and_put_in_front_only_on_the_own_machine(
    variables: dict[str, str], before: str, told: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "XRAY"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        cwd=settings.BASE_DIR,
        env={**environment, "DJANGO_SETTINGS_MODULE": "kwippy.settings", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == told


def test_the_image_is_built_without_it() -> None:
    lines = (Path(settings.BASE_DIR) / ".dockerignore").read_text().splitlines()
    assert lines.index("kwippy/xray") > lines.index("!kwippy"), "the last line that matches decides"
