"""manage.py doctor: what is wrong with this site, one line a check."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kwippy.doctor import checkup, daily, smtp_dialogue
from kwippy.doctor.report import Finding, State, examine, one_line

# Lines of `deploy/doctor` about the containers.
MOST_LINES = 100


class Command(BaseCommand):
    help = "Looks for what is wrong with this site. Exits with 1 if anything is. `deploy/doctor` sees more."
    # It must also run, and say so, where these would fail.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mail", metavar="ADDRESS", help="send it a mail, and show each step of SMTP")
        parser.add_argument("--before-upgrade", action="store_true", help="only what must stop an upgrade")
        parser.add_argument(
            "--daily", action="store_true", help="print nothing; mail what is wrong to ADMINS"
        )
        parser.add_argument("--also", action="store_true", help="read deploy/doctor's own lines from stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        if address := options["mail"]:
            if "@" not in address or address != one_line(address) or " " in address:
                raise CommandError(f"not an address: {one_line(address)}")
            findings = smtp_dialogue.speak(address)
        else:
            findings = examine(checkup.BEFORE_UPGRADE if options["before_upgrade"] else checkup.CHECKS)
        found = [*(_also(sys.stdin.readlines(MOST_LINES * 400)) if options["also"] else [])]
        if not options["daily"]:
            self._print(found)
        for finding in findings:
            found.append(finding)
            if not options["daily"]:
                self._print([finding])
        self._end(found, options)

    def _print(self, findings: list[Finding]) -> None:
        for finding in findings:
            self.stdout.write(str(finding))
            self.stdout.flush()

    def _end(self, found: list[Finding], options: dict[str, Any]) -> None:
        """The exit status. Raises CommandError."""
        bad = [finding for finding in found if finding.state is State.WRONG]
        if options["daily"]:
            try:
                done = daily.mail(found)
            except Exception as error:
                for finding in bad:
                    self.stderr.write(str(finding))
                raise CommandError(f"the mail to the operators was not sent: {one_line(error)}") from error
            if bad and not done.startswith(("mailed", "not mailed")):
                raise CommandError(done)
            return
        if options["before_upgrade"]:
            if any(finding.blocks for finding in bad):
                raise CommandError("an upgrade must not begin: mend what is WRONG above first")
        elif bad:
            raise CommandError(f"{len(bad)} WRONG")


def _also(lines: list[str]) -> list[Finding]:
    """Findings of `deploy/doctor`: STATE, name, text and mend, separated by tabs."""
    found = []
    for line in lines[:MOST_LINES]:
        state, name, text, mend = ([*line.rstrip("\n").split("\t"), "", "", ""])[:4]
        if state in State.__members__:
            found.append(Finding(State[state], name, text, mend))
    return found
