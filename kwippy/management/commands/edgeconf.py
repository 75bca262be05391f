"""`manage.py edgeconf`: writes deploy/edge/public.conf; run it after a change of what it contains."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kwippy import edge


class Command(BaseCommand):
    help = "Writes what nginx has to know of the site (deploy/edge/public.conf). Commit the result."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            edge.FILE.write_text(edge.public_conf())
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Wrote {edge.FILE}.")
