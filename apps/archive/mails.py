"""The mail about an archive that is ready."""

from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from apps.commandqueue.mail.rendering import auto_generated


def ready(export_id: int, address: str) -> EmailMultiAlternatives:
    """The link works for the signed-in owner alone, until the archive expires."""
    url = settings.SITE_URL + reverse("download_export", args=[export_id])
    context = {"url": url, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, text, html = (
        render_to_string(f"mail/archive_ready_{part}", context).strip()
        for part in ("subject.txt", "message.txt", "message.html")
    )
    mail = EmailMultiAlternatives(subject, text + "\n", to=[address])
    mail.attach_alternative(html, "text/html")
    return auto_generated(mail)


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields a sample of each mail, by name, for `manage.py previewmail`."""
    yield "archive_ready", ready(7, "ann@example.org")
