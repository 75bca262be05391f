"""Blocks a list of e-mail domains or networks for sign-up, from the command line."""

import datetime
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.policy import blocked
from apps.policy.models import MOST_BLOCKED, BlockedDomain, BlockedNetwork

_KINDS: dict[str, blocked.Kind] = {"domains": BlockedDomain, "networks": BlockedNetwork}


class Command(BaseCommand):
    help = (
        "Blocks e-mail domains (with their subdomains) or networks for sign-up: one on each line of FILE; "
        "what follows a # is ignored. All are added, or none. The admin shows, changes and removes them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=_KINDS)
        parser.add_argument("file", metavar="FILE", help="- for standard input")
        parser.add_argument("--reason", default="", help="for operators alone")
        parser.add_argument("--days", type=int, help="until when; without it, for good")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        until = timezone.now() + datetime.timedelta(days=days) if days else None
        try:
            with sys.stdin if options["file"] == "-" else Path(options["file"]).open() as lines:
                named = filter(None, (line.partition("#")[0].strip() for line in lines))
                values = list(islice(named, MOST_BLOCKED + 1))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']}: {error}; nothing was done.") from None
        try:
            number = blocked.add(_KINDS[options["kind"]], values, reason=options["reason"], until=until)
        except blocked.Full:
            raise CommandError(f"more than {MOST_BLOCKED:,} {options['kind']}; nothing was done.") from None
        except ValidationError as error:
            raise CommandError(f"{' '.join(error.messages)} Nothing was done.") from None
        self.stdout.write(f"{number:,} {options['kind']} added.")
