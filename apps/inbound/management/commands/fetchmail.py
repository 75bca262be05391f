"""Fetches mail from the mailbox once, as the worker does each minute."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.inbound import fetching


class Command(BaseCommand):
    help = "Fetch mail from the IMAP mailbox of INBOUND_IMAP_HOST once."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            number = fetching.fetch()
        except fetching.Unreachable as error:
            raise CommandError(f"The mailbox can't be read: {error}") from error
        self.stdout.write(f"{number} mails")
