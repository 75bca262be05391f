"""A process that has loaded what is not ours, and forks one that runs pytest for each line that it reads.

Of `mutate`: most of a short run of tests would be loading Django and pytest. A line is JSON, {"arguments":
pytest's, "output": the file for what it writes}; the answer is a line with its exit code.
"""

import importlib
import json
import os
import sys

# Nothing that needs the settings, and nothing of this project: it is not mutated yet.
LOADED = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.python", "_pytest.terminal", "_pytest.junitxml",
    "django.test", "django.db.models", "django.forms", "django.views.generic", "django.core.mail",
    "django.core.management.commands.migrate", "django.template.loader", "django.contrib.admin.options",
    "django.db.backends.postgresql.base", "psycopg2.extras", "hypothesis.strategies", "playwright.sync_api",
    "axe_playwright_python.sync_playwright", "PIL.ImageOps", "prometheus_client", "aiosmtpd.smtp",
    "linkify_it", "environs", "structlog", "dbutils.pooled_db", "pytest_django.plugin", "xdist.plugin",
)  # fmt: skip


def run(arguments: list[str], output: str) -> int:
    """pytest's exit code, in a process of its own."""
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
        except Exception as error:  # it is then loaded by each run
            sys.stderr.write(f"not loaded beforehand: {name}: {error}\n")
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(f"{run(asked['arguments'], asked['output'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
