"""The mails to a person about what moderators did. They are transactional, so no one unsubscribes."""

from collections.abc import Iterator, Mapping

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from apps.accounts import languages
from apps.accounts.models import User
from apps.commandqueue.mail.rendering import auto_generated
from apps.kwips.text import excerpt
from apps.moderation import appeals
from apps.moderation.effects import APPEALABLE, UNDO
from apps.moderation.models import APPEAL_DAYS, Action, Reason, What


def of_action(action: Action, person: User, text: str) -> EmailMultiAlternatives:
    """What was done and why, and how to appeal."""
    link = settings.SITE_URL + appeals.path(action) if action.what in APPEALABLE else ""
    return _mail("moderation", person, action, {"quote": excerpt(text, words=60), "appeal_url": link})


def of_answer(action: Action, person: User, original: Action) -> EmailMultiAlternatives:
    """The answer to the appeal against ``original``."""
    is_overturned = action.what == What.OVERTURN
    context = {"is_overturned": is_overturned, "is_undone": is_overturned and original.what in UNDO}
    return _mail("appeal_answered", person, action, context)


def _mail(name: str, person: User, action: Action, about: Mapping[str, object]) -> EmailMultiAlternatives:
    with languages.of(person):
        context = {
            **about,
            "what": action.what,
            "reason": action.get_reason_display(),
            "words": action.words,
            "days": APPEAL_DAYS,
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
        }
        subject, text, markup = [
            render_to_string(f"mail/{name}_{part}", context).strip()
            for part in ("subject.txt", "message.txt", "message.html")
        ]
    mail = EmailMultiAlternatives(subject, text + "\n", to=[person.email])
    mail.attach_alternative(markup, "text/html")
    return auto_generated(mail)


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields samples of each mail, by name, for `manage.py previewmail`."""
    ann = User(username="ann", email="ann@example.org")
    hidden = Action(
        pk=7, at=timezone.now(), what=What.HIDE, reason=Reason.PRIVATE, words="that was bob's address, 1 < 2."
    )
    yield "moderation", of_action(hidden, ann, "bob lives at number 7 & never locks the door")
    overturned = Action(pk=8, what=What.OVERTURN, reason=Reason.OTHER, words="you were right, sorry.")
    yield "appeal_answered", of_answer(overturned, ann, hidden)
