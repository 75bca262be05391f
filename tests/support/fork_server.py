"""A fork server for `mutate`: it imports the third-party packages once and runs pytest in forked children.

Importing Django and pytest would take most of a short run. A request is a line of JSON, {"arguments": of
pytest, "output": path}; the reply is a line with pytest's exit code.
"""

import importlib
import json
import os
import sys

# Nothing that needs the settings, and no module of this project: the mutation comes later.
LOADED = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.python", "_pytest.terminal", "_pytest.junitxml",
    "django.test", "django.db.models", "django.forms", "django.views.generic", "django.core.mail",
    "django.core.management.commands.migrate", "django.template.loader", "django.contrib.admin.options",
    "django.db.backends.postgresql.base", "psycopg2.extras", "hypothesis.strategies", "playwright.sync_api",
    "axe_playwright_python.sync_playwright", "PIL.ImageOps", "prometheus_client", "aiosmtpd.smtp",
    "linkify_it", "environs", "structlog", "dbutils.pooled_db", "pytest_django.plugin", "xdist.plugin",
)  # fmt: skip


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
    for name in LOADED:
        try:
            importlib.import_module(name)
        except Exception as error:  # each run then imports it
            sys.stderr.write(f"not preloaded: {name}: {error}\n")
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(f"{run(request['arguments'], request['output'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
