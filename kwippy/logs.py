"""Structured logs: one line a request, each with the request's id."""

import logging.config
import re
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

if TYPE_CHECKING:
    # gunicorn's master logs like we do, and loads nothing of Django.
    from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("kwippy.request")

# What a proxy in front may hand down as the request's id: nothing that could forge a line of the log.
_FOREIGN_ID = re.compile(r"\A[A-Za-z0-9-]{8,64}\Z")


def logging_config(*, format: str, level: str) -> dict[str, Any]:  # noqa: A002 - the variable is LOG_FORMAT
    """Configures logging and structlog at once; returns the dictionary given to `dictConfig`.

    ``format`` is "json" or "console". Called by the settings rather than by Django, so that a fault in
    the settings themselves is already logged in the site's format.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [
            # Without the local variables: among them are passwords and what people wrote.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
        if format == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line a request is RequestLogMiddleware's; these would say it again.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": False},
            # gunicorn of itself: its own handler is replaced.
            "gunicorn.error": {"handlers": ["stderr"], "propagate": False},
        },
    }
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return config


class RequestLogMiddleware:
    """Gives the request an id, hands it back as `X-Request-ID`, and logs one line when it is answered."""

    def __init__(self, get_response: "Callable[[HttpRequest], HttpResponse]") -> None:
        self.get_response = get_response

    def __call__(self, request: "HttpRequest") -> "HttpResponse":
        foreign = request.headers.get("X-Request-ID", "")
        request_id = foreign if _FOREIGN_ID.match(foreign) else uuid.uuid4().hex
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            # What asks every few seconds whether we live would fill the log.
            tell = log.debug if request.path == "/livez" else log.info
            # The path alone: queries may hold what people search for, and reset links are in neither.
            tell(
                "request",
                method=request.method,
                path=without_secrets(request.path),
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        return response


def without_secrets(path: str) -> str:
    """Confirmation and reset links carry their key in the path; whoever reads the log must not use it."""
    return re.sub(r"\A(/accounts/(?:confirm-email|password/reset/key)/).+", r"\1…", path)
