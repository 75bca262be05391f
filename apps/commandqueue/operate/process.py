"""A worker process: its signals, its HTTP server, its end."""

import contextlib
import os
import signal
import sys

from apps.commandqueue.core.worker import Worker
from apps.commandqueue.operate import health


def run(worker: Worker, *, bind: str, port: int | None) -> None:
    """Run a worker until SIGTERM, SIGINT or its own end; serve its health on a port, if there is one."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    with contextlib.ExitStack() as stack:
        if port is not None:
            server = health.serve(worker, host=bind, port=port)
            stack.callback(server.shutdown)
        code = worker.run()
    if code:
        sys.stdout.flush()
        # A thread that hangs would keep the interpreter from exiting.
        os._exit(code)
