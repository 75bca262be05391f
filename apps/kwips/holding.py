"""Kwips and comments that wait for a moderator, or that a moderator hid: only their authors see them.

`actions.publish` and `actions.comment` ask the registered checks before they write. Each function here locks
the kwip, is repeatable, and returns whether it changed it.
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.kwips import events
from apps.kwips.models import Kwip, Withheld

# Whether this text by this author has to wait.
type Check = Callable[[User, str], bool]
_checks: list[Check] = []


def register(check: Check) -> Check:
    """Adds a check. Called from `AppConfig.ready`."""
    _checks.append(check)
    return check


def is_due(author: User, text: str) -> bool:
    """Whether a check holds a new kwip or comment back."""
    return any(check(author, text) for check in _checks)


@transaction.atomic
def hold(*, kwip: Kwip) -> bool:
    """The kwip waits for a moderator."""
    changed = _set(kwip, Withheld.HELD)
    if changed:
        events.held.emit(events.Held(kwip))
    return changed


@transaction.atomic
def release(*, kwip: Kwip) -> bool:
    """The kwip no longer waits: others see it, and those whom it mentions are notified."""
    changed = _clear(kwip, Withheld.HELD)
    if changed:
        events.released.emit(events.Held(kwip))
    return changed


@transaction.atomic
def hide(*, kwip: Kwip) -> bool:
    return _set(kwip, Withheld.HIDDEN)


@transaction.atomic
def unhide(*, kwip: Kwip) -> bool:
    return _clear(kwip, Withheld.HIDDEN)


def _set(kwip: Kwip, bit: Withheld) -> bool:
    rows = Kwip.objects.filter(pk=kwip.pk).alias(marked=F("withheld").bitand(bit.value)).filter(marked=0)
    # The card says that it is withheld, so it needs a new version.
    if changed := rows.update(withheld=F("withheld").bitor(bit.value), version=F("version") + 1):
        events.withheld.emit(events.Withholding(kwip.author, [kwip.pk]))
    return bool(changed)


def _clear(kwip: Kwip, bit: Withheld) -> bool:
    rows = Kwip.objects.filter(pk=kwip.pk).alias(marked=F("withheld").bitand(bit.value)).filter(marked__gt=0)
    if changed := rows.update(withheld=F("withheld").bitand(~bit.value), version=F("version") + 1):
        events.restored.emit(events.Withholding(kwip.author, [kwip.pk]))
    return bool(changed)
