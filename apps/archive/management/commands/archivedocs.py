"""Writes docs/archive.md: each section of the archive, a line for each field."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.archive.registry import documentation


class Command(BaseCommand):
    help = "Write the documentation of the archive: manage.py archivedocs > docs/archive.md"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(documentation(), ending="")
