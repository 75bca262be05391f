"""The mail about a scheduled kwip that was not published. It has no words of the draft."""

from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.accounts import languages
from apps.accounts.models import User
from apps.commandqueue.mail.rendering import auto_generated
from apps.drafts.models import Draft


def not_published(person: User, draft: Draft) -> EmailMultiAlternatives:
    with languages.of(person):
        context = {
            "why": draft.failed,
            "url": f"{settings.SITE_URL}/drafts/{draft.pk}/",
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
        }
        subject, text, markup = (
            render_to_string(f"mail/not_published_{part}", context).strip()
            for part in ("subject.txt", "message.txt", "message.html")
        )
    mail = EmailMultiAlternatives(subject, text + "\n", to=[person.email])
    mail.attach_alternative(markup, "text/html")
    return auto_generated(mail)


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields a sample of each mail, by name, for `manage.py previewmail`."""
    ann = User(username="ann", email="ann@example.org")
    yield "not_published", not_published(ann, Draft(pk=7, failed="that was a lot in a short time, 1 < 2."))
