"""What staff do in the admin is in the security log, too: which fields of which rows, not their values."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntryManager

from apps.accounts.models import User
from apps.securitylog import Event, record

_ACTS = {ADDITION: "add", CHANGE: "change", DELETION: "delete"}
_IDS = 20  # of one act


def connect() -> None:
    """All writes of the admin's own log go through this method."""
    LogEntryManager.log_actions = _recorded(LogEntryManager.log_actions)  # type: ignore[method-assign]


def _recorded(log_actions: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(log_actions)
    def logged(
        self: Any, user_id: int, queryset: Any, action_flag: int, change_message: Any = "", **how: Any
    ) -> Any:
        rows = list(queryset)
        if rows:
            record(
                Event.STAFF_ACT,
                by=user_id,
                user_id=rows[0].pk if len(rows) == 1 and isinstance(rows[0], User) else None,
                act=_ACTS.get(action_flag, "other"),
                model=rows[0]._meta.label_lower,
                ids=" ".join(str(row.pk) for row in rows[:_IDS]),
                number=len(rows),
                fields=_fields(change_message),
            )
        return log_actions(self, user_id, queryset, action_flag, change_message, **how)

    return logged


def _fields(change_message: Any) -> str:
    """The names of the changed fields. The rest of a message can have names of people and their words."""
    if not isinstance(change_message, list):
        return ""
    changes = [message.get("changed", {}) for message in change_message if isinstance(message, dict)]
    return ", ".join(str(field) for change in changes for field in change.get("fields", []))
