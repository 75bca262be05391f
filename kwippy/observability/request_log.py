"""One log line a request, with the request's id."""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("kwippy.request")

# Beginnings of paths that end in a secret. Apps declare theirs; `kwippy.wiring` adds them here.
secret_paths: list[str] = []

# What a proxy may pass on as the request's id: nothing that could forge a log line.
_VALID_ID = re.compile(r"\A[A-Za-z0-9-]{8,64}\Z")


class RequestLogMiddleware:
    """Gives the request an id, returns it as `X-Request-ID`, and logs one line after the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _VALID_ID.match(given) else uuid.uuid4().hex
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            # Health checks come every few seconds and would fill the log.
            write = log.debug if request.path == "/livez" else log.info
            # Without the query string: it can hold what people search for.
            write(
                "request",
                method=request.method,
                path=without_secrets(request.path),
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        return response


def without_secrets(path: str) -> str:
    """The path, cut after one of `secret_paths`: a reader of the log must not be able to use the link."""
    for beginning in secret_paths:
        if path.startswith(beginning) and path != beginning:
            return f"{beginning}…"
    return path
