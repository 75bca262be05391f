"""The line of a request: the JSON that structlog would write, without its processors."""

import io
import itertools
import json
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from django.http import HttpResponse
from django.test import RequestFactory

from kwippy.observability.logs import REQUESTS, JsonFormatter, logging_config
from kwippy.observability.request_log import RequestLogMiddleware

PATHS = [
    "/", "/everyone/", "/ann/kwip/7/", '/"quoted"/', "/back\\slash/", "/new\nline/", "/\ttab\r/", "/nul\0/",
    "/esc\x1b[31m/", "/\x7f/", "/</script>/", "/ümlaut/", "/\u2028/", "/🍵/", "/\N{ARABIC LETTER ALEF}/",
    "/{}/", "/%s %(path)s {path}/", "/%41/", "/" + "x" * 5000, "//", "/livez", "/\ufeff/", "/\U0010ffff/",
]  # fmt: skip


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The site's log at level DEBUG, in one of its formats."""
    root = logging.getLogger()
    before = list(root.handlers)
    logging_config(format=request.param, level="DEBUG")
    text = io.StringIO()
    root.handlers[0].setStream(text)  # type: ignore[attr-defined]
    yield text
    logging_config(format="json", level=os.environ["LOG_LEVEL"])
    root.handlers = before


def line_of(path: str, method: str, status: int, written: io.StringIO) -> str:
    request = RequestFactory().generic(method, "/", headers={"x-request-id": "0123456789abcdef"})
    request.path = path
    written.truncate(written.seek(0))
    RequestLogMiddleware(lambda request: HttpResponse(status=status))(request)
    return written.getvalue()


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_it_is_the_line_that_structlog_writes(written: io.StringIO) -> None:
    log = structlog.get_logger(REQUESTS)
    for path, method, status in itertools.product(PATHS, ("GET", "POST", "BREW"), (200, 302, 503)):
        line = line_of(path, method, status, written)
        ours = json.loads(line)
        assert (ours["path"], ours["method"], ours["status"]) == (path, method, status)
        age = datetime.now(UTC) - datetime.fromisoformat(ours["timestamp"])
        assert timedelta(0) <= age < timedelta(hours=1)
        written.truncate(written.seek(0))
        write = log.debug if path == "/livez" else log.info
        with structlog.contextvars.bound_contextvars(request_id="0123456789abcdef"):
            write("request", method=method, path=path, status=status, ms=ours["ms"])
        assert without_time(line) == without_time(written.getvalue())
        assert line.count("\n") == 1


def without_time(line: str) -> str:
    return re.sub(r'"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', "", line)


@pytest.mark.parametrize("written", ["console"], indirect=True)
def test_in_the_format_of_development_it_has_the_same_fields(written: io.StringIO) -> None:
    line = line_of("/ann/", "GET", 200, written)
    for field in ("request ", "[info", "kwippy.request", "/ann/", "status=200", "0123456789abcdef"):
        assert field in line


def test_the_id_is_bound_during_the_request_alone(written: io.StringIO) -> None:
    log = structlog.get_logger("other")
    request = RequestFactory().get("/", headers={"x-request-id": "0123456789abcdef"})

    def respond(request: object) -> HttpResponse:
        log.info("during")
        return HttpResponse()

    RequestLogMiddleware(respond)(request)
    log.info("after")
    during, _, after = written.getvalue().splitlines()
    assert "0123456789abcdef" in during
    assert "0123456789abcdef" not in after


def test_no_line_is_formatted_below_the_level(monkeypatch: pytest.MonkeyPatch, written: io.StringIO) -> None:
    monkeypatch.setattr(JsonFormatter, "format", None)
    logging.getLogger(REQUESTS).setLevel(logging.WARNING)
    assert line_of("/ann/", "GET", 200, written) == ""
    logging.getLogger(REQUESTS).setLevel(logging.NOTSET)
