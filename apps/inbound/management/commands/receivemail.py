"""Reads one mail from standard input, as a mail server pipes it.

The exit code tells the server what to do:

- 0: done, also if the mail was refused. Any other final answer would make the server send a bounce to whom
  the mail says it is from, who may have nothing to do with it. Members hear of their own mail from the site.
- 75 (EX_TEMPFAIL): not now, send it again: the database does not answer, or the program fails. So an outage
  or a fault of ours loses no mail: it waits in the server's queue, where its operator sees it.
"""

import os
import sys
from argparse import ArgumentParser
from typing import Any, BinaryIO

import structlog
from django.core.management.base import BaseCommand

from apps.inbound import parsing, receiving

log = structlog.get_logger("kwippy.inbound")
_PIECE = 64 * 1024


class Command(BaseCommand):
    help = "Publish the mail on standard input: a kwip, or a comment that answers a notice. For mail servers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "recipient", nargs="?", default="", help="the envelope's recipient, if the server says it"
        )
        parser.add_argument("--sender", help='the envelope\'s sender; "" for a bounce')

    def handle(self, *args: Any, recipient: str, sender: str | None, **options: Any) -> None:
        raw = read(options.get("stdin") or sys.stdin.buffer)
        try:
            outcome = receiving.receive(raw, recipient=recipient, envelope_sender=sender)
        except Exception:
            log.exception("mail not received", bytes=len(raw))
            sys.exit(os.EX_TEMPFAIL)
        self.stdout.write(str(outcome))


def read(stream: BinaryIO) -> bytes:
    """The mail, a little more than is accepted at most; the rest is read too, or the server would fail."""
    raw = stream.read(parsing.MAX_BYTES + 1)
    while stream.read(_PIECE):
        pass
    return raw
