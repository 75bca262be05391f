"""The unread mark of the cached user, and the people who come and go."""

from apps.accounts import events, viewer
from apps.accounts.keys import user_key
from apps.invalidation import invalidate
from apps.messages.models import Side

viewer.annotations["unread_messages"] = """EXISTS (
    SELECT
    FROM private_messages_side s
    JOIN accounts_user other ON other.id = s.other_id AND other.is_active
    WHERE s.owner_id = accounts_user.id AND s.is_unread
)"""


@events.switched_off.within
@events.switched_on.within
def on_switched(event: events.Switched) -> None:
    """The messages of a person who is switched off are hidden, and count for no mark."""
    unread = Side.objects.filter(other__in=event.people, is_unread=True)
    invalidate(cache=[user_key(owner) for owner in unread.values_list("owner_id", flat=True)])
