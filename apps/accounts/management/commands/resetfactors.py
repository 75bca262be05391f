"""Begins to take off a person's second factors, from the command line; or stops that."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import factor_resets
from apps.accounts.models import User


class Command(BaseCommand):
    help = (
        "Takes off the second factors of a person who has lost them, after three days. The person is mailed "
        "at every confirmed address, at once and a day before, and can stop it. Make sure who asked you."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the user name, exactly")
        parser.add_argument("--stop", action="store_true", help="stop it: the second factors stay")

    def handle(self, *args: Any, name: str, stop: bool, **options: Any) -> None:
        name = name.lower().removeprefix("@")
        if (person := User.objects.filter(username=name).first()) is None:
            raise CommandError(f"no such user: {name}; nothing was done.")
        if stop:
            if not factor_resets.cancel(person_id=person.pk, way="the command line"):
                raise CommandError(f"nothing waits for {name}.")
            self.stdout.write(f"stopped: {name} keeps the second factors.")
            return
        try:
            reset = factor_resets.ask(person=person, by=None)
        except factor_resets.NothingToReset:
            raise CommandError(f"{name} has no second factor; nothing was done.") from None
        self.stdout.write(f"{name} is mailed. The second factors go at {reset.due_at:%Y-%m-%d %H:%M} UTC.")
