"""`manage.py` in a fork of a process that has imported the third-party packages, for tests of settings.

Only these are imported before: each fork reads the environment, the settings and the site's modules anew, as
a process of its own does. A request is a line of JSON; the reply is a line with the exit code.
"""

import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, CompletedProcess

from django.conf import settings

from tests.support.fork_server import SITE_PACKAGES, load

type Manage = Callable[..., CompletedProcess[str]]


@contextmanager
def forked_manage() -> Iterator[Manage]:
    """Yields a function that runs manage.py with these arguments, in this environment and no other."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-m", "tests.support.forked_manage"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=keep, stdin=PIPE, stdout=PIPE, text=True
        ) as server,
    ):
        assert server.stdin
        assert server.stdout
        requests, replies = server.stdin, server.stdout
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]

        def manage(*arguments: str, **environment: str) -> CompletedProcess[str]:
            request = {
                "arguments": ["manage.py", *arguments],
                "environment": keep | environment,
                "outputs": [str(path) for path in outputs],
            }
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            code = int(replies.readline())
            return CompletedProcess(arguments, code, *[path.read_text() for path in outputs])

        yield manage
        requests.close()


def become(arguments: list[str], environment: dict[str, str], outputs: list[str]) -> None:
    """Makes this process the one that is asked for."""
    sys.argv = arguments
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)


def main() -> None:
    load(SITE_PACKAGES)
    gc.disable()  # a fork is short, and imports make objects that stay
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
            # To its end, with the exit code and the traceback that it has.
            runpy.run_path("manage.py", run_name="__main__")
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
