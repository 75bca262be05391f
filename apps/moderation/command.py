"""What the commands `suspend`, `restore` and `silence` have in common."""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.moderation import actions
from apps.moderation.models import WORDS_LIMIT, Reason, What


class ActCommand(BaseCommand):
    """Does ``what`` to people; the audit log says that the command line did it."""

    what: ClassVar[What]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="user names, exactly")
        parser.add_argument(
            "--reason", choices=Reason.values, default=Reason.OTHER.value, help="the reason that is mailed"
        )
        parser.add_argument("--words", default="", help="words that are mailed, too")

    def handle(self, *args: Any, **options: Any) -> None:
        if len(options["words"]) > WORDS_LIMIT:
            raise CommandError(f"--words has more than {WORDS_LIMIT} characters; nothing was done.")
        names = [name.lower().removeprefix("@") for name in options["names"]]
        people = list(User.objects.filter(username__in=names).order_by("pk"))
        if missing := sorted(set(names) - {person.username for person in people}):
            raise CommandError(f"no such user: {', '.join(missing)}; nothing was done.")
        what, reason = self.wanted(options), Reason(options["reason"])
        for person in people:
            try:
                actions.act(what=what, person=person, by=None, reason=reason, words=options["words"])
            except actions.NothingToDo:
                self.stdout.write(f"{person.username}: it is so already.")
            else:
                self.stdout.write(f"{person.username}: {what.label}.")

    def wanted(self, options: dict[str, Any]) -> What:
        return self.what
