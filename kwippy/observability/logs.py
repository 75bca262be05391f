"""The configuration of logs, which the site and gunicorn's master share. It imports nothing of Django."""

import json
import logging.config
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

# The logger of `request_log`.
REQUESTS = "kwippy.request"
_requests = logging.getLogger(REQUESTS)


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """structlog's formatter. It writes the line of a request directly, since there is one for each request.

    That event comes complete from `log_request`: the processors would not change it.
    """

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(record.msg) if record.name == REQUESTS else super().format(record)


def log_request(level: int, event: dict[str, Any]) -> None:
    """Logs an event of text and numbers, with the fields that structlog's processors would add to it."""
    if _requests.isEnabledFor(level):
        name = logging.getLevelName(level).lower()
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        event |= {"level": name, "logger": REQUESTS, "timestamp": now}
        (message,), options = structlog.stdlib.ProcessorFormatter.wrap_for_formatter(_requests, name, event)
        # Not `logger.log`, which walks the stack for the caller's line.
        extra = options["extra"]
        _requests.handle(_requests.makeRecord(REQUESTS, level, __file__, 0, message, (), None, extra=extra))


def logging_config(*, format: str, level: str) -> dict[str, Any]:  # noqa: A002 - the variable is LOG_FORMAT
    """Configures logging and structlog at once; returns the dictionary given to `dictConfig`.

    ``format`` is "json" or "console". The settings call it, not Django, so that an error in the settings
    themselves is logged in the site's format too.
    """
    # Each record would look these up, and neither format shows them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # missing in typeshed
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [
            # Without local variables, which can hold passwords and people's texts.
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
                "()": JsonFormatter if format == "json" else structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # RequestLogMiddleware logs each request; these would repeat it.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": False},
            # At DEBUG it logs the values of a page's variables, such as people's messages.
            "django.template": {"level": "INFO"},
            # gunicorn's messages, without its own handler.
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
