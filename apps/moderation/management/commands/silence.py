from typing import Any

from django.core.management.base import CommandParser

from apps.moderation.command import ActCommand
from apps.moderation.models import What


class Command(ActCommand):
    help = "Limit people: only followers come across what they write."
    what = What.LIMIT

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--off", action="store_true", help="limit them no longer")

    def wanted(self, options: dict[str, Any]) -> What:
        return What.UNLIMIT if options["off"] else What.LIMIT
