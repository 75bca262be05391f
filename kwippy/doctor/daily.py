"""The mail to the operators of a site that no prometheus watches: one a day at most, only of what is wrong.

It goes past the command queue, which may be what is wrong. `deploy/doctor --daily` runs it by cron, outside
the processes that it judges.
"""

import time
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage

from apps.commandqueue.mail.headers import as_header_text
from kwippy.doctor import notes
from kwippy.doctor.report import Finding, State

MAILER = "direct"
# A little less than a day, so that a daily cron is never too early.
PAUSE_SECONDS = 23 * 3600


def operators() -> list[str]:
    """ADMINS, or else CONTACT_EMAIL."""
    return list(settings.ADMINS) or [address for address in [settings.CONTACT_EMAIL] if address]


def mail(findings: Sequence[Finding]) -> str:
    """Mails what is wrong; returns what it did, in words. Raises what the mailer raises."""
    bad = [finding for finding in findings if finding.state is State.WRONG]
    if not bad:
        return "nothing is wrong: no mail"
    if not (to := operators()):
        return "no one to mail: set ADMINS or CONTACT_EMAIL"
    last = notes.read(notes.MAILED)
    # A time in the future is of a clock that was wrong.
    if last is not None and -60 < last.age < PAUSE_SECONDS:
        return f"not mailed: the last mail is {last.age / 3600:.0f} hours old"
    # Before the mail: if the note can't be kept, each run would send one.
    notes.write(notes.MAILED, notes.Note(time.time()))
    try:
        _message(bad, findings, to).send(using=MAILER)
    except Exception:
        # Not sent: the next run tries again.
        notes.write(notes.MAILED, last or notes.Note(0))
        raise
    return f"mailed to {', '.join(to)}"


def _message(bad: Sequence[Finding], findings: Sequence[Finding], to: list[str]) -> EmailMessage:
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    subject = f"{settings.EMAIL_SUBJECT_PREFIX}{settings.SITE_NAME}: {bad[0].name}{more}"
    warnings = [finding for finding in findings if finding.state is State.WARN]
    lines = [f"What is wrong at {settings.SITE_URL}:", "", *map(str, bad)]
    if warnings:
        lines += ["", "What may become so:", "", *map(str, warnings)]
    lines += ["", "deploy/doctor says it again. There is one mail a day at most."]
    message = EmailMessage(as_header_text(subject), "\n".join(lines) + "\n", settings.SERVER_EMAIL, to)
    message.extra_headers = {"Auto-Submitted": "auto-generated"}
    return message
