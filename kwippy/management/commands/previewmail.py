"""Writes every mail that the site sends to files, with sample contents."""

from argparse import ArgumentParser
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError

from apps.accounts import mail_samples as accounts
from apps.archive import mails as archive
from apps.contact import mails as contact
from apps.drafts import mails as drafts
from apps.factors import mails as factors
from apps.inbound import mails as inbound
from apps.moderation import mails as moderation
from apps.notifications.mail import mails as notifications
from apps.tokens import mails as tokens

SOURCES = (
    accounts.samples,
    archive.samples,
    contact.samples,
    drafts.samples,
    inbound.samples,
    notifications.samples,
    moderation.samples,
    tokens.samples,
    factors.samples,
)


class Command(BaseCommand):
    help = "Write every mail of the site, or one of them, as text and HTML with sample contents."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="only this mail")
        parser.add_argument(
            "--out",
            type=Path,
            metavar="DIR",
            default=Path(settings.BASE_DIR) / "var" / "mailpreview",
            help="the folder to write to (%(default)s)",
        )

    def handle(self, *args: Any, name: str | None, out: Path, **options: Any) -> None:
        mails = {sample: mail for source in SOURCES for sample, mail in source()}
        if name is not None and name not in mails:
            raise CommandError(f"There is no mail {name!r}. There are: {', '.join(sorted(mails))}.")
        out.mkdir(parents=True, exist_ok=True)
        for sample in [name] if name else sorted(mails):
            self.stdout.write(f"{sample}: {mails[sample].subject}")
            for path in write(sample, mails[sample], out):
                self.stdout.write(f"    {path}")


def write(name: str, mail: EmailMessage, out: Path) -> list[Path]:
    """Writes the text and HTML parts of a mail to ``out``; returns the paths."""
    message = message_from_bytes(mail.message().as_bytes(), policy=policy.default)
    paths = []
    for kind, ending in (("plain", "txt"), ("html", "html")):
        if body := message.get_body((kind,)):
            paths.append(out / f"{name}.{ending}")
            paths[-1].write_text(body.get_content())
    return paths
