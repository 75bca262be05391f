"""Removes what people wrote, for good, from the command line."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actions import change_header_picture, change_picture
from apps.accounts.models import User
from apps.kwips import actions

log = structlog.get_logger("kwippy.kwips")


class Command(BaseCommand):
    help = (
        "Removes what people wrote, for good, with the comments below it, and their pictures. A removal that "
        "is interrupted goes on where it stopped when it is run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="user names, exactly")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name.lower().removeprefix("@") for name in options["names"]]
        people = list(User.objects.filter(username__in=names))
        if missing := sorted(set(names) - {person.username for person in people}):
            raise CommandError(f"no such user: {', '.join(missing)}; nothing was done.")
        for person in people:
            self._remove(person)
            change_picture(user=person, picture=None)
            change_header_picture(user=person, picture=None)

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
