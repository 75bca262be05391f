"""What notices do at events, besides the kinds' own; and the unread mark of the cached user."""

from apps.accounts import viewer
from apps.kwips import events
from apps.notifications import actions

viewer.annotations["unread"] = (
    "EXISTS (SELECT FROM notifications_notice n WHERE n.recipient_id = accounts_user.id AND n.is_unseen)"
)


@events.published.within
@events.edited.within
def on_written(event: events.Published | events.Edited) -> None:
    actions.notify_mentions(kwip=event.kwip)


@events.commented.within
def on_commented(event: events.Commented) -> None:
    actions.notify_comment(comment=event.comment, thread_id=event.thread.pk)


@events.visited.within
def on_visited(event: events.Visited) -> None:
    actions.visit(user=event.user, thread_id=event.thread_id)


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    actions.delete(kwips=event.kwips)
