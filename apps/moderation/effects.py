"""What each action does to people and kwips. The caller has a transaction and has locked the case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.accounts import actions as accounts
from apps.accounts.leaving import end_sessions
from apps.accounts.models import OffReason, User
from apps.kwips import actions as kwips
from apps.kwips import holding
from apps.kwips.models import Kwip, Withheld
from apps.kwips.tasks import remove
from apps.moderation.models import What

# Kwips with more comments than this are hidden at once and deleted by a command.
AT_ONCE = 500


@dataclass(frozen=True)
class Target:
    """Whom an action concerns, and the kwip if it concerns one that is not deleted."""

    person: User
    kwip: Kwip | None
    by: User | None


def state_of(person_id: int, kwip_id: int | None) -> dict[str, Any]:
    """What actions change, for the audit log."""
    person = User.objects.only("is_active", "off_reasons", "is_limited").get(pk=person_id)
    state: dict[str, Any] = {
        # Without a reason: the previous release switched them off.
        "suspended": not person.is_active and person.off_reasons != OffReason.LEAVING,
        "limited": person.is_limited,
    }
    if kwip_id is not None:
        withheld = Kwip.objects.filter(pk=kwip_id).values_list("withheld", flat=True).first()
        state |= {"kwip": "deleted"} if withheld is None else {
            "hidden": bool(withheld & Withheld.HIDDEN), "held": bool(withheld & Withheld.HELD)
        }  # fmt: skip
    return state


def _suspend(target: Target) -> None:
    accounts.switch_off(people=[target.person], by=target.by)
    end_sessions(target.person.pk)


def _delete(target: Target) -> None:
    if (kwip := target.kwip) is None:
        return
    if kwip.comments_count <= AT_ONCE:
        kwips.delete_all(kwip_ids=[kwip.pk])
    else:
        holding.hide(kwip=kwip)
        assert target.by is not None, "the command line deletes by other commands"  # noqa: S101
        remove.enqueue([kwip.pk], target.by.pk)


def _on_kwip(change: Callable[..., bool]) -> Callable[[Target], object]:
    return lambda target: target.kwip is not None and change(kwip=target.kwip)


EFFECTS: dict[What, Callable[[Target], object]] = {
    What.RELEASE: _on_kwip(holding.release),
    What.HIDE: _on_kwip(holding.hide),
    What.UNHIDE: _on_kwip(holding.unhide),
    What.DELETE: _delete,
    What.LIMIT: lambda target: accounts.limit(person=target.person, is_limited=True),
    What.UNLIMIT: lambda target: accounts.limit(person=target.person, is_limited=False),
    What.SUSPEND: _suspend,
    What.RESTORE: lambda target: accounts.switch_on(people=[target.person], by=target.by),
}
UNDO = {What.HIDE: What.UNHIDE, What.LIMIT: What.UNLIMIT, What.SUSPEND: What.RESTORE}
OF_KWIPS = {What.RELEASE, What.HIDE, What.UNHIDE, What.DELETE}
# The person is told why, by mail.
TOLD = {What.WARN, What.HIDE, What.DELETE, What.LIMIT, What.SUSPEND, *UNDO.values()}
APPEALABLE = {What.WARN, What.HIDE, What.DELETE, What.LIMIT, What.SUSPEND}
