"""manage.py runworker: carries out the commands in the queue."""

import contextlib
import os
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.commandqueue.core.worker import Pace, Worker
from apps.commandqueue.models import Lane
from apps.commandqueue.operate import health


class Command(BaseCommand):
    help = "Carries out the commands in the queue: sends mail, runs tasks. SIGTERM finishes what is in hand."
    # A worker must be able to start before PostgreSQL does.
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lanes", default=",".join(Lane.values), help="which lanes, separated by commas")
        parser.add_argument("--threads", type=int, default=1, help="threads for each lane")
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")
        parser.add_argument("--port", type=int, help="serve /livez /readyz /metrics on this port")
        parser.add_argument(
            "--bind", default="127.0.0.1", help="of this address; /metrics is for METRICS_NETWORKS alone"
        )
        parser.add_argument(
            "--lease", type=float, default=60.0, help="seconds until a dead worker's work is taken over"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lanes = [lane for lane in options["lanes"].split(",") if lane]
        if unknown := set(lanes) - set(Lane.values):
            raise CommandError(f"{', '.join(sorted(unknown))}: lanes are {', '.join(Lane.values)}")
        if options["threads"] < 1 or options["lease"] < 1:
            raise CommandError("--threads and --lease must be at least 1")
        worker = Worker(
            lanes=lanes, threads=options["threads"], pace=Pace(lease=options["lease"]), once=options["once"]
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        with contextlib.ExitStack() as stack:
            if options["port"] is not None:
                server = health.serve(worker, host=options["bind"], port=options["port"])
                stack.callback(server.shutdown)
            code = worker.run()
        if code:
            sys.stdout.flush()
            # Threads that hang would keep the interpreter from ending.
            os._exit(code)
