"""manage.py queue: shows the command queue, requeues dead letters, purges finished commands."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.commandqueue.models import State
from apps.commandqueue.operate import actions, status


class Command(BaseCommand):
    help = "Shows the command queue, requeues dead letters, purges finished commands."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="counts of waiting, leased and dead commands; why commands are stuck")
        requeue = verbs.add_parser("requeue", help="try dead letters again")
        requeue.add_argument("ids", nargs="*", type=int, help="ids of dead letters")
        requeue.add_argument("--all", action="store_true", help="all dead letters")
        purge = verbs.add_parser("purge", help="delete finished commands")
        purge.add_argument("--days", type=float, default=7, help="finished at least so many days ago (7)")
        purge.add_argument("--dead", action="store_true", help="also dead letters")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["verb"])(options)

    def status(self, options: dict[str, Any]) -> None:
        for line in status.report():
            self.stdout.write(line)

    def requeue(self, options: dict[str, Any]) -> None:
        if bool(options["ids"]) == options["all"]:
            raise CommandError("give the ids of dead letters, or --all")
        count = actions.requeue(ids=None if options["all"] else options["ids"])
        self.stdout.write(f"{count:,} requeued.")
        if left := len(options["ids"]) - count if options["ids"] else 0:
            self.stdout.write(f"{left:,} not requeued: not dead, expired, or mail that carried a secret.")

    def purge(self, options: dict[str, Any]) -> None:
        states = [State.DONE, State.DISCARDED, *([State.DEAD] if options["dead"] else [])]
        count = actions.purge(older_than=options["days"] * 86_400, states=states)
        self.stdout.write(f"{count:,} deleted.")
