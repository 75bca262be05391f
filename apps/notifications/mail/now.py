"""Mail at once: a command of the transaction that wrote the notices."""

import logging
from collections.abc import Callable, Iterable

from django.db import InterfaceError, OperationalError, transaction
from django.tasks import task

from apps.accounts import languages
from apps.notifications import queries
from apps.notifications.mail import addressee, mails, unreturned
from apps.notifications.models import Notice
from apps.notifications.registry import Channel

log = logging.getLogger("kwippy.notifications")


@task(queue_name="default")
def mail_notices(ids: list[int]) -> int:
    """Mails those of the notices that are still wanted; returns how many. A second run mails none again.

    Raises RuntimeError if some failed, after all others.
    """
    mailed, failed = for_each(_mail, ids)
    if failed:
        raise RuntimeError(f"{failed} notices could not be mailed")
    return mailed


def for_each(act: Callable[[int], bool], ids: Iterable[int]) -> tuple[int, int]:
    """Acts on each; returns how many returned True, and how many failed: one must not stop the others."""
    done = failed = 0
    for pk in ids:
        try:
            done += act(pk)
        except (OperationalError, InterfaceError):
            raise  # so would the others
        except Exception:
            failed += 1
            log.exception("mail of notices failed, id %s", pk)
    return done, failed


@transaction.atomic
def _mail(notice_id: int) -> bool:
    notice = Notice.objects.filter(pk=notice_id, channel=Channel.MAIL).first()
    if notice is None:
        return False  # mailed by an earlier run, deleted, or new again under another id
    person_id, thread_id = notice.recipient_id, notice.thread_id
    locked = unreturned.lock_conversation(person_id=person_id, notice_id=notice_id, thread_id=thread_id)
    to = addressee.find(person_id, thread_id=thread_id) if _is_due(notice_id, locked) else None
    if to is not None and to.wants_at_once(notice.kind):
        for group in queries.selected(viewer_id=person_id, ids=[notice_id]):
            unreturned.mark([notice_id], Channel.SENT)
            with languages.of(to):
                mails.of_notice(notice, to.email, group.lines[0]).send()
            return True
    unreturned.mark([notice_id], Channel.SITE)
    return False


def _is_due(notice_id: int, locked: Iterable[unreturned.Unreturned]) -> bool:
    """Whether the person has not seen it, and was back since the last mail about its conversation."""
    is_unseen = any(one.id == notice_id and one.is_unseen for one in locked)
    return is_unseen and not any(one.channel == Channel.SENT for one in locked)
