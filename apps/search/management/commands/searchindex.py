"""Indexes for search what is not indexed: after an upgrade, or after a time without ``SEARCH_INDEX``."""

import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.search.index import build

log = structlog.get_logger("kwippy.search")


class Command(BaseCommand):
    help = (
        "Indexes kwips, people and tags that the search does not find yet, the newest first, in small "
        "batches beside the running site. If it is interrupted, the same command goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help="index everything again, as after a change of the folding"
        )
        parser.add_argument(
            "--pause", type=float, default=0.0, metavar="SECONDS", help="wait so long after each batch"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        written: dict[str, int] = {}
        try:
            for progress in build(again=options["again"]):
                written[progress.what] = progress.written
                if self.stdout.isatty():
                    percent = 100 * progress.done // max(1, progress.total)
                    line = f"{progress.what}: {percent} %, {progress.written:,} indexed …"
                    self.stdout.write(f"{line:<60}", ending="\r")
                time.sleep(options["pause"])
        except KeyboardInterrupt:
            raise CommandError("stopped; the same command goes on.", returncode=130) from None
        for what, number in written.items():
            self.stdout.write(f"{what}: {number:,} indexed.")
        log.info("search index built", **written)
