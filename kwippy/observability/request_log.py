"""One log line a request, with the request's id."""

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, reset_contextvars

from kwippy.observability.logs import log_request

# Beginnings of paths that end in a secret. Apps declare theirs; `kwippy.wiring` adds them here.
secret_paths: list[str] = []

# What a proxy may pass on as the request's id: nothing that could forge a log line.
_VALID_ID = re.compile(r"\A[A-Za-z0-9-]{8,64}\Z")


class RequestLogMiddleware:
    """Gives the request an id, returns it as `X-Request-ID`, and logs one line after the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _VALID_ID.match(given) else secrets.token_hex(16)
        started = time.perf_counter()
        outer = bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
        finally:
            reset_contextvars(**outer)
        response.headers["X-Request-ID"] = request_id
        event = {
            "method": request.method,
            # Without the query string: it can hold what people search for.
            "path": without_secrets(request.path),
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
            "event": "request",
            "request_id": request_id,
        }
        # Health checks come every few seconds and would fill the log.
        log_request(logging.DEBUG if request.path == "/livez" else logging.INFO, event)
        return response


def without_secrets(path: str) -> str:
    """The path, cut after one of `secret_paths`: a reader of the log must not be able to use the link."""
    for beginning in secret_paths:
        if path.startswith(beginning) and path != beginning:
            return f"{beginning}…"
    return path
