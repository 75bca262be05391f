"""Writes the list of common passwords, which new passwords are compared with."""

from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import common_passwords


class Command(BaseCommand):
    help = "Writes the list of common passwords from text files: one on each line, the commonest first."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument("--target", type=Path, default=common_passwords.FILE)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            texts = [path.read_text(errors="replace") for path in options["files"]]
            number = common_passwords.write(
                chain.from_iterable(text.splitlines() for text in texts), options["target"]
            )
        except OSError as error:
            raise CommandError(f"{error}; nothing was written.") from None
        self.stdout.write(f"{number:,} passwords of {common_passwords.SHORTEST} characters or more.")
