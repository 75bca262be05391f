"""The hooks of the queue's mail: is a message still wanted, and what did the mail server answer?"""

from django.db.models import F
from django.db.models.functions import Least

from apps.accounts.models import User
from apps.commandqueue.mail.hooks import Answer
from apps.commandqueue.mail.rendering import envelope_address
from apps.notifications import queries
from apps.notifications.mail import addressee
from apps.notifications.mail.message_ids import DigestId, NoticeId
from apps.notifications.models import REPLY_LIMIT, Notice, Preferences
from apps.notifications.registry import Channel
from apps.plaintext import truncate

_MAX_COUNT = 1_000  # of refusals


def is_wanted(message_id: str) -> bool:
    """Whether a message may go out now. Messages that are not of notices always may."""
    if (digest := DigestId.parse(message_id)) is not None:
        to = addressee.find(digest.person_id)
        return to is not None and to.has_digest
    if (mailed := NoticeId.parse(message_id)) is None:
        return True
    notice = Notice.objects.filter(
        recipient=mailed.person_id,
        kind=mailed.kind,
        subject=mailed.subject,
        actor=mailed.actor_id or None,
        channel=Channel.SENT,
        is_unseen=True,
    ).first()
    if notice is None:
        return False  # deleted, seen on the site, or new again and mailed by another message
    to = addressee.find(mailed.person_id, thread_id=notice.thread_id)
    if to is None or not to.wants_at_once(mailed.kind):
        return False
    return bool(queries.selected(viewer_id=mailed.person_id, ids=[notice.pk]))


def on_answer(answer: Answer) -> None:
    """Counts the refusals of an address, in a row. An accepted message ends the row."""
    mailed = NoticeId.parse(answer.message_id) or DigestId.parse(answer.message_id)
    if mailed is None:
        return
    rows = Preferences.objects.filter(user_id=mailed.person_id)
    if answer.accepted:
        rows.filter(refusals__gt=0).update(refusals=0, refused_address="", refused_reply="")
        return
    user = User.objects.filter(pk=mailed.person_id).first()
    for recipient, reply in answer.refused.items():
        if user is None or envelope_address(user.email) != recipient:
            continue  # the person has another address by now
        Preferences.objects.get_or_create(user=user)
        rows.exclude(refused_address=user.email).update(refused_address=user.email, refusals=0)
        rows.update(refusals=Least(F("refusals") + 1, _MAX_COUNT), refused_reply=truncate(reply, REPLY_LIMIT))
