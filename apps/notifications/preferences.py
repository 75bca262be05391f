"""Reads and writes of what a person chose: channels, digest, time zone. Defaults are not stored."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.notifications.mail.addressee import MAX_REFUSALS
from apps.notifications.models import Period, Preferences
from apps.notifications.registry import KINDS, Channel

_ORDER = (Channel.NONE, Channel.SITE, Channel.DIGEST, Channel.MAIL)


def of(user: User) -> Preferences:
    """What the person chose; unsaved defaults if nothing."""
    return Preferences.objects.filter(user_id=user.pk).first() or Preferences(user_id=user.pk)


def channel(chosen: Preferences, kind: str) -> str:
    return str(chosen.channels.get(kind) or KINDS[kind].channel)


def refused_reply(user: User, chosen: Preferences) -> str:
    """Why the person's address gets no notices, in the mail server's words; "" if it gets them."""
    is_refused = chosen.refusals >= MAX_REFUSALS and chosen.refused_address == user.email
    return chosen.refused_reply if is_refused else ""


@transaction.atomic
def change(*, user: User, channels: Mapping[str, str], digest: str, hour: int, time_zone: str) -> None:
    """Stores the settings. Kinds that ``channels`` does not name stay as they are."""
    row = _locked(user)
    row.channels = _without_defaults(row.channels | dict(channels))
    row.digest, row.hour, row.time_zone = digest, hour, time_zone
    if _values(row) == _values(Preferences()):
        row.delete()
    else:
        row.save()


@transaction.atomic
def limit_channel(*, user: User, kind: str, most: Channel) -> None:
    """Lowers the channel of a kind to ``most``; a lower one stays."""
    row = _locked(user)
    if kind in KINDS and _ORDER.index(Channel(channel(row, kind))) > _ORDER.index(most):
        row.channels = _without_defaults(row.channels | {kind: most.value})
        row.save(update_fields=["channels"])


def set_digest(*, user: User, period: Period) -> None:
    _update(user, digest=period)


def set_time_zone(*, user: User, time_zone: str) -> None:
    _update(user, time_zone=time_zone)


def try_again(*, user: User) -> None:
    """Mail goes to the address again, until it is refused again."""
    Preferences.objects.filter(user=user).update(refusals=0, refused_address="", refused_reply="")


def _update(user: User, **values: Any) -> None:
    Preferences.objects.update_or_create(user=user, defaults=values)


def _locked(user: User) -> Preferences:
    return Preferences.objects.select_for_update().get_or_create(user=user)[0]


def _values(row: Preferences) -> dict[str, Any]:
    fields = (field for field in Preferences._meta.concrete_fields if not field.primary_key)
    return {field.attname: getattr(row, field.attname) for field in fields}


def _without_defaults(channels: Mapping[str, str]) -> dict[str, str]:
    """Kinds of another release are kept: they may come back."""
    return {
        kind: chosen
        for kind, chosen in channels.items()
        if kind not in KINDS or chosen != KINDS[kind].channel
    }
