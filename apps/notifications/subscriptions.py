"""What notices do at events, besides the kinds' own; and the unread mark of the cached user."""

from django.db.models import Exists, OuterRef

from apps.accounts import viewer
from apps.kwips import events
from apps.notifications import actions
from apps.notifications.models import Notice

viewer.annotations["unread"] = Exists(Notice.objects.filter(recipient=OuterRef("pk"), is_unseen=True))


@events.published.within
@events.edited.within
def on_written(event: events.Published | events.Edited) -> None:
    actions.tell_mentions(kwip=event.kwip)


@events.commented.within
def on_commented(event: events.Commented) -> None:
    actions.tell_comment(comment=event.comment, thread_id=event.thread.pk)


@events.visited.within
def on_visited(event: events.Visited) -> None:
    actions.visit(user=event.user, thread_id=event.thread_id)


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    actions.forget(kwips=event.kwips)
