"""Switches people off and on, and removes what they wrote, from the command line."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actions import change_picture, switch_off, switch_on
from apps.accounts.models import User
from apps.kwips import actions

log = structlog.get_logger("kwippy.kwips")


class Command(BaseCommand):
    help = (
        "Switches people off (they cannot sign in; what they wrote is hidden, and comes back with --on), or "
        "removes what they wrote, for good, with the comments below it. A removal that is interrupted goes "
        "on where it stopped when it is run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="user names, exactly")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--off", action="store_true", help="switch them off")
        switch.add_argument("--on", action="store_true", help="switch them on again")
        parser.add_argument(
            "--remove", action="store_true", help="remove what they wrote; with --off, their picture too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["off"] or options["on"] or options["remove"]):
            raise CommandError("say what to do: --off, --on, --remove, or --off --remove.")
        names = [name.lower().removeprefix("@") for name in options["names"]]
        people = list(User.objects.filter(username__in=names))
        if missing := sorted(set(names) - {person.username for person in people}):
            raise CommandError(f"no such user: {', '.join(missing)}; nothing was done.")
        if options["off"] or options["on"]:
            (switch_off if options["off"] else switch_on)(people=people, by=None)
            for person in people:
                self.stdout.write(f"{person.username} is {'off' if options['off'] else 'on'}.")
                if options["off"] and options["remove"]:
                    change_picture(user=person, picture=None)
        if options["remove"]:
            for person in people:
                self._remove(person)

    def _remove(self, person: User) -> None:
        removed = 0
        try:
            while number := actions.delete_some_of(author_id=person.pk):
                removed += number
                if self.stdout.isatty():
                    self.stdout.write(f"{person.username}: {removed:,} removed …", ending="\r")
        except KeyboardInterrupt:
            raise CommandError(
                f"stopped after {removed:,}; the same command goes on.", returncode=130
            ) from None
        self.stdout.write(f"{person.username}: {removed:,} kwips and comments removed.  ")
        log.info(
            "removal of a person's kwips done",
            person=person.username,
            person_id=person.pk,
            removed=removed,
            by="command line",
        )
