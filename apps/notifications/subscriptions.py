"""What notices do at events, besides the kinds' own; and the unread mark of the cached user."""

from apps.accounts import events as accounts
from apps.accounts import viewer
from apps.accounts.keys import user_key
from apps.invalidation import invalidate
from apps.kwips import events
from apps.messages.events import Opened, opened
from apps.notifications import actions, preferences, statements
from apps.notifications.events import Notified, emit_new, notified
from apps.notifications.mail.now import mail_notices
from apps.notifications.registry import Channel

viewer.annotations["unread"] = (
    "EXISTS (SELECT FROM notifications_notice n WHERE n.recipient_id = accounts_user.id AND n.is_unseen)"
)


statements.join_new_kwips()


@notified.within
def on_notified(event: Notified) -> None:
    """The cached users have the unread mark: only the recipients' entries are invalidated."""
    invalidate(cache=[user_key(notice.recipient_id) for notice in event.notices])


@notified.within
def mail_at_once(event: Notified) -> None:
    """One command for all who get mail at once. Digests read the rows."""
    if ids := [notice.id for notice in event.notices if notice.channel == Channel.MAIL]:
        mail_notices.enqueue(ids)


@accounts.joined.within
def on_joined(event: accounts.Joined) -> None:
    if event.user.guessed_time_zone:
        preferences.set_time_zone(user=event.user, time_zone=event.user.guessed_time_zone)


@events.published.within
def on_published(event: events.Published) -> None:
    if event.added is None:
        actions.notify_mentioned.enqueue(event.kwip.pk)
    else:
        emit_new(event.added)


@events.commented.within
def on_commented(event: events.Commented) -> None:
    if event.added is None:
        actions.notify_commented.enqueue(event.comment.pk, event.thread.pk)
    else:
        emit_new(event.added)


@events.edited.within
def on_edited(event: events.Edited) -> None:
    actions.notify_mentions(kwip=event.kwip)


@events.released.within
def on_released(event: events.Held) -> None:
    """Notices of a kwip that waited for a moderator are written when others see it."""
    if event.kwip.thread_id is None:
        actions.notify_mentioned.enqueue(event.kwip.pk)
    else:
        actions.notify_commented.enqueue(event.kwip.pk, event.kwip.thread_id)


@events.visited.after_commit  # at once, and without a transaction: a page view emits it
def on_visited(event: events.Visited) -> None:
    actions.visit(user=event.user, thread_id=event.thread_id)


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    actions.delete(kwips=event.kwips)


@opened.within
def on_opened(event: Opened) -> None:
    actions.see_messages(user=event.reader, sender_id=event.other_id)
