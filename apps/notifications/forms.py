"""The form of the settings: a channel for each kind, and the digest."""

from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts import time_zones
from apps.accounts.form_messages import SiteMessages
from apps.notifications import preferences
from apps.notifications.models import Period, Preferences
from apps.notifications.registry import KINDS, Channel

CHANNELS = [
    (Channel.MAIL.value, _("mail now")),
    (Channel.DIGEST.value, _("in a digest")),
    (Channel.SITE.value, _("here only")),
    (Channel.NONE.value, _("not at all")),
]
_PREFIX = "channel_"


class PreferencesForm(SiteMessages, forms.Form):
    """One group of radio buttons a kind: a kind that is registered has its row."""

    digest = forms.ChoiceField(label=_("send the digest"), choices=Period.choices)
    hour = forms.TypedChoiceField(
        label=_("at"), coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)]
    )
    time_zone = forms.ChoiceField(
        label=_("your time zone"),
        required=False,
        error_messages={"invalid_choice": _("we don't know that place. pick one nearby?")},
        widget=forms.Select(attrs={"data-time-zone": ""}),
    )

    def __init__(self, *args: Any, chosen: Preferences, **kwargs: Any) -> None:
        initial = {"digest": chosen.digest, "hour": chosen.hour, "time_zone": chosen.time_zone}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["time_zone"].choices = zones(chosen.time_zone)  # type: ignore[attr-defined]
        for kind in KINDS.values():
            self.fields[_PREFIX + kind.name] = forms.ChoiceField(
                label=str(kind.label),
                choices=CHANNELS,
                initial=preferences.channel(chosen, kind.name),
                widget=forms.RadioSelect,
                error_messages={
                    "required": _("pick one of these, please."),
                    "invalid_choice": _("pick one of these, please."),
                },
            )

    @property
    def rows(self) -> list[forms.BoundField]:
        """The groups of the matrix."""
        return [field for field in self if field.name.startswith(_PREFIX)]

    @property
    def channels(self) -> dict[str, str]:
        """The cleaned channels, by kind."""
        return {
            name.removeprefix(_PREFIX): value
            for name, value in self.cleaned_data.items()
            if name.startswith(_PREFIX)
        }


def zones(current: str) -> list[Any]:
    """The choices by region, and the one that the person has, whatever its name."""
    named = sorted({*time_zones.choices(), *filter(None, [current])})
    grouped = groupby(named, key=lambda name: name.partition("/")[0])
    regions = [(region, [(name, _city(name)) for name in found]) for region, found in grouped]
    return [("", _("utc, until you pick one")), *regions]


def _city(name: str) -> str:
    return (name.partition("/")[2] or name).replace("_", " ")
