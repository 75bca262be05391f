"""manage.py runworker: a worker of the command queue."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Queue
from apps.commandqueue.operate import process


class Command(BaseCommand):
    help = (
        "Carries out the queue's commands: sends mail, runs tasks. On SIGTERM it finishes the started ones."
    )
    # A worker can start before PostgreSQL does.
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=",".join(Queue.values), help="queues, separated by commas")
        parser.add_argument("--threads", type=int, default=1, help="threads for each queue")
        parser.add_argument(
            "--once", action="store_true", help="exit when nothing is due, or the pace allows no more"
        )
        parser.add_argument("--port", type=int, help="serve /livez /readyz /metrics on this port")
        parser.add_argument(
            "--bind", default="127.0.0.1", help="the port's address; /metrics is for METRICS_NETWORKS only"
        )
        parser.add_argument(
            "--lease",
            type=float,
            default=60.0,
            help="seconds until the commands of a killed worker are retried",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [name for name in options["queues"].split(",") if name]
        if unknown := set(queues) - set(Queue.values):
            raise CommandError(f"unknown queues {sorted(unknown)}; there are {', '.join(Queue.values)}")
        if options["threads"] < 1 or options["lease"] < 1:
            raise CommandError("--threads and --lease must be at least 1")
        worker = Worker(
            queues=queues,
            threads=options["threads"],
            options=WorkerOptions(lease=options["lease"]),
            once=options["once"],
        )
        process.run(worker, bind=options["bind"], port=options["port"])
