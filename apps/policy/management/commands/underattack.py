"""Says that the site is under attack, for some hours, from the command line."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.policy import attack
from apps.policy.models import AttackSignUp


class Command(BaseCommand):
    help = (
        "Under attack for HOURS from now, as in the admin's site policy: forms ask browsers for some "
        "computing, sign-up is by approval or invitation, new accounts can write little. It ends by itself; "
        "0 ends it now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("hours", metavar="HOURS", type=int)
        parser.add_argument("--sign-up", choices=AttackSignUp.values, default=AttackSignUp.APPROVAL.value)

    def handle(self, *args: Any, **options: Any) -> None:
        hours = options["hours"]
        if hours < 0:
            raise CommandError("HOURS must be 0 or more; nothing was done.")
        if hours == 0:
            attack.end()
            self.stdout.write("not under attack any more.")
            return
        try:
            until = attack.begin(hours, sign_up=AttackSignUp(options["sign_up"]))
        except ValidationError as error:
            raise CommandError(f"{' '.join(error.messages)} Nothing was done.") from None
        end = f"{timezone.localtime(until):%Y-%m-%d %H:%M %Z}"
        self.stdout.write(f"under attack until {end}; sign-up by {options['sign_up']}.")
