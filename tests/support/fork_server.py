"""A fork server for `mutate`: it imports the third-party packages once and runs pytest in forked children.

Importing Django and pytest would take most of a short run. A request is a line of JSON, {"arguments": of
pytest, "output": path}; the reply is a line with pytest's exit code.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterable

# Nothing that needs the settings, and no module of this project: the mutation comes later.
SITE_PACKAGES = (
    "django.db.models", "django.forms", "django.views.generic", "django.core.mail", "django.template.loader",
    "django.contrib.admin.options", "django.db.backends.postgresql.base", "django.test.client",
    "psycopg2.extras", "prometheus_client", "linkify_it", "markdown_it", "environs", "structlog",
    "dbutils.pooled_db", "regex", "fido2.server", "argon2", "requests", "whitenoise.middleware",
)  # fmt: skip
OF_TESTS = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.python", "_pytest.terminal", "_pytest.junitxml",
    "django.test", "django.core.management.commands.migrate", "hypothesis.strategies", "playwright.sync_api",
    "axe_playwright_python.sync_playwright", "PIL.ImageOps", "aiosmtpd.smtp", "pytest_django.plugin",
    "xdist.plugin",
)  # fmt: skip


def load(names: Iterable[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # each run then imports it
            sys.stderr.write(f"not preloaded: {name}: {error}\n")


def run(arguments: list[str], output: str) -> int:
    """Runs pytest in a child; returns its exit code."""
    child = os.fork()
    if child == 0:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        pytest = importlib.import_module("pytest")
        code = int(pytest.main(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    load(SITE_PACKAGES + OF_TESTS)
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(f"{run(request['arguments'], request['output'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
