"""manage.py sitestatus: the figures of one evening. `deploy/status` adds the containers and nginx's log."""

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error

from kwippy.doctor import checkup, today
from kwippy.doctor.report import State, examine, one_line


class Command(BaseCommand):
    help = "Shows mail that waits, disk, certificate, backups, and what happened today."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log", action="store_true", help="read nginx's log of today from stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            # nginx logs the bytes of a path as a visitor sent them.
            sys.stdin.reconfigure(errors="replace")
        seen = today.traffic(sys.stdin if options["log"] else [])
        for part in (today.of_mail, today.of_people):
            self._show(part)
        for line in today.of_traffic(seen):
            self.stdout.write(line)
        self._show(today.of_reports)
        for finding in examine(checkup.STATUS):
            mark = "" if finding.state is State.OK else f"  <- {finding.state}: {one_line(finding.mend)}"
            self.stdout.write(f"{finding.name[:12]:<12} {one_line(finding.text)}{mark}")

    def _show(self, part: Callable[[], Iterator[str]]) -> None:
        try:
            for line in part():
                self.stdout.write(line)
        except Error as error:
            self.stdout.write(f"{part.__name__[3:]:<12} PostgreSQL does not answer: {one_line(error)}")
