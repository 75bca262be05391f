"""The mails: one notice, or a digest, of a few kilobytes at most."""

import datetime
import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from apps.commandqueue.mail.headers import as_header_text
from apps.commandqueue.mail.rendering import auto_generated, set_queue_options
from apps.commandqueue.models import Queue
from apps.notifications.mail.message_ids import DigestId, NoticeId, of_conversation
from apps.notifications.mail.unsubscribe import Subscription
from apps.notifications.models import Notice
from apps.notifications.queries import Actor, Group, Line
from apps.notifications.registry import KINDS
from apps.plaintext import truncate

SUBJECT_CHARACTERS = 80
# A digest that could not be delivered by then is old news.
_DIGEST_EXPIRES = datetime.timedelta(hours=12)

# Where an answer to the mail of a notice goes: from a person's id and the notice's line, an address or "". An
# app that receives mail adds it.
reply_addresses: list[Callable[[int, Line], str]] = []


class Said:
    """A line as mail has it: its words without markup and with, and absolute addresses."""

    def __init__(self, line: Line) -> None:
        self.line = line
        context = {"line": line, "site_name": settings.SITE_NAME}
        self.words_html: SafeString = mark_safe(  # noqa: S308 - a rendered template
            " ".join(render_to_string(line.kind.template, context).split())
        )
        self.words = html.unescape(strip_tags(self.words_html))
        self.url = settings.SITE_URL + line.url
        # A kwip's own text is quoted too, since mail has no heading above its line.
        self.text = line.text
        self.excerpt = line.excerpt if line.has_quote else ""

    @property
    def answer_url(self) -> str:
        """Where the form is that answers it, "" if it is not about a text."""
        line = self.line
        if line.kwip_id is None:
            return ""
        answers = f"?answers={line.kwip_id}" if line.is_about_comment else ""
        return f"{settings.SITE_URL}/{line.thread_author}/kwip/{line.thread_id}/{answers}#comment"


def of_notice(notice: Notice, address: str, line: Line) -> EmailMultiAlternatives:
    """One notice. Its subject and headers keep the mails about a conversation together."""
    said = Said(line)
    person_id, kind = notice.recipient_id, line.kind
    of_kind = Subscription(person_id, kind=kind.name)
    of_thread = Subscription(person_id, kwip_id=line.thread_id) if line.thread_id else None
    reply_to = [found for address_of in reply_addresses if (found := address_of(person_id, line))]
    context = {
        "said": said,
        "takes_answers": bool(reply_to),
        "thread": truncate(Group(line.group_id, [line]).thread_excerpt, 60) if of_thread else "",
        "label": kind.label,
        "stop_thread_url": of_thread.url if of_thread else "",
        "stop_kind_url": of_kind.url,
    }
    mail = _mail("notice", address, context, list_name=kind.name, subscription=of_thread or of_kind)
    message_id = NoticeId(person_id, notice.pk, kind.name, notice.subject, notice.actor_id or 0)
    mail.extra_headers |= {"Message-ID": str(message_id)}
    mail.reply_to = reply_to[:1]
    if line.thread_id:
        of_conversation_id = of_conversation(line.thread_id)
        mail.extra_headers |= {"In-Reply-To": of_conversation_id, "References": of_conversation_id}
    return mail


def of_digest(
    person_id: int, address: str, groups: Sequence[Group], *, newest: int, number: int
) -> EmailMultiAlternatives:
    """What waited, newest first; ``number`` notices, of which a page of groups is shown."""
    shown = [{"group": group, "lines": [Said(line) for line in group.lines]} for group in groups]
    subscription = Subscription(person_id)
    context: dict[str, Any] = {
        "groups": shown,
        "first": Said(groups[0].lines[0]),
        "others": number - 1,
        "stop_url": subscription.url,
    }
    mail = _mail("digest", address, context, list_name="digest", subscription=subscription)
    mail.extra_headers |= {"Message-ID": str(DigestId(person_id, newest))}
    return set_queue_options(mail, queue_name=Queue.BULK, expires_after=_DIGEST_EXPIRES)


def _mail(
    name: str, address: str, context: dict[str, Any], *, list_name: str, subscription: Subscription
) -> EmailMultiAlternatives:
    context |= {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, text, markup = (
        render_to_string(f"mail/{name}_{part}", context).strip()
        for part in ("subject.txt", "message.txt", "message.html")
    )
    subject = truncate(as_header_text(" ".join(subject.split())), SUBJECT_CHARACTERS)
    mail = EmailMultiAlternatives(subject, text + "\n", to=[address])
    mail.attach_alternative(markup, "text/html")
    mail.extra_headers |= {
        "List-Id": f"<{list_name}.{urlsplit(settings.SITE_URL).hostname}>",
        "List-Unsubscribe": f"<{subscription.url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return auto_generated(mail)


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields samples of each mail, by name, for `manage.py previewmail`."""
    comment = Line(
        group_id=12,
        kind=KINDS["comment"],
        subject=7,
        notified_at=datetime.datetime(2026, 11, 26, 8, tzinfo=datetime.UTC),
        is_unseen=True,
        number=1,
        actors=[Actor("bob", "Bob O'Tea", "")],
        kwip_id=9,
        kwip_author="bob",
        kwip_text="it is on the stove, as ever.\n\n1 < 2, i'd say :)",
        thread_id=7,
        thread_author="ann",
        thread_text="who has seen the kettle?",
        is_tracked=True,
    )
    follow = replace(comment, group_id=11, kind=KINDS["follow"], kwip_id=None, kwip_text=None, thread_id=None)
    notice = Notice(pk=12, recipient_id=1, kind="comment", subject=7)
    yield "notice", of_notice(notice, "ann@example.org", comment)
    groups = [Group(12, [comment]), Group(11, [follow])]
    yield "digest", of_digest(1, "ann@example.org", groups, newest=12, number=3)
