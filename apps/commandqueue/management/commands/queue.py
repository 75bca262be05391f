"""manage.py commands: what is in the queue, and what to do about it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import loggable
from apps.commandqueue.models import State
from apps.commandqueue.operate import actions

# So many stuck commands are listed: the reason is mostly the same for all.
SHOWN = 10


class Command(BaseCommand):
    help = "Shows the command queue, has dead letters tried again, forgets old commands."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="what waits, is in hand or has died, by lane")
        requeue = verbs.add_parser("requeue", help="have dead letters tried again")
        requeue.add_argument("ids", nargs="*", type=int, help="their numbers")
        requeue.add_argument("--all", action="store_true", help="all of them")
        purge = verbs.add_parser("purge", help="forget commands that are done")
        purge.add_argument("--days", type=float, default=7, help="only those finished so many days ago")
        purge.add_argument("--dead", action="store_true", help="dead letters too")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["verb"])(options)

    def status(self, options: dict[str, Any]) -> None:
        counts = store.status()
        for row in counts:
            age = "not due yet" if row.age < 0 else f"for {row.age:,.0f} s"
            stuck = f"   {row.stuck:,} stuck" if row.stuck else ""
            self.stdout.write(f"{row.lane:<8} {row.state:<8} {row.count:>9,}   the oldest {age}{stuck}")
        if any(row.stuck for row in counts):
            self.stdout.write("\nStuck, the oldest first:")
        for command in store.stuck(limit=SHOWN):
            self.stdout.write(_line(command))
        if not counts:
            self.stdout.write("Nothing waits, nothing is in hand, nothing has died.")

    def requeue(self, options: dict[str, Any]) -> None:
        if bool(options["ids"]) == options["all"]:
            raise CommandError("name dead letters by number, or say --all")
        count = actions.requeue(ids=None if options["all"] else options["ids"])
        self.stdout.write(f"{count:,} will be tried again.")
        if options["ids"] and count < len(options["ids"]):
            self.stdout.write("The others can't be: not dead, expired, or mail that carried a secret.")

    def purge(self, options: dict[str, Any]) -> None:
        states = [State.DONE, State.DISCARDED, *([State.DEAD] if options["dead"] else [])]
        count = actions.purge(older_than=options["days"] * 86_400, states=states)
        self.stdout.write(f"{count:,} forgotten.")


def _line(command: store.Stuck) -> str:
    """A stuck command, and why it waits."""
    why = loggable(command.error) if command.error else "no worker has begun it"
    next_try = f"in {command.next_in:,.0f} s" if command.next_in > 0 else "as soon as a worker is free"
    return (
        f"{command.id:>9} {command.kind:<4} {command.lane:<8} for {command.age:,.0f} s,"
        f" {command.attempts} attempts, next {next_try}: {why}"
    )
