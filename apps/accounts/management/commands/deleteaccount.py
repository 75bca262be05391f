"""Deletes a person's account at once, from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import leaving
from apps.accounts.models import User


class Command(BaseCommand):
    help = (
        "Hides an account and begins to delete it, with all that is the person's. There is no way back. "
        "The worker does the work; its log says when it is done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the user name, exactly")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, name: str, yes: bool, **options: Any) -> None:
        name = name.lower().removeprefix("@")
        if (person := User.objects.filter(username=name).first()) is None:
            raise CommandError(f"no such user: {name}; nothing was done.")
        count = f"{person.kwips_count:,} kwips, {person.comments_count:,} comments"
        if not yes and input(f"Delete {name} ({count}) for good? Type the name: ").strip() != name:
            raise CommandError("nothing was done.")
        try:
            leaving.delete_at_once(person=person)
        except leaving.RunsTheSite:
            raise CommandError(
                f"{name} is a superuser or the last operator: take these rights away first."
            ) from None
        self.stdout.write(f"{name} is hidden, and a worker deletes the account (person {person.pk}).")
