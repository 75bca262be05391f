"""The form that asks when."""

import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.form_messages import SiteMessages
from apps.accounts.time_zones import zone
from apps.drafts import moments
from apps.notifications.forms import zones


class DateInput(forms.DateInput):
    input_type = "date"


class TimeInput(forms.TimeInput):
    input_type = "time"


class LaterForm(SiteMessages, forms.Form):
    """``moment`` is what a valid form says."""

    day = forms.DateField(
        label=_("day"),
        widget=DateInput(format="%Y-%m-%d"),
        error_messages={"required": _("on which day?"), "invalid": _("we can't read that day.")},
        input_formats=["%Y-%m-%d"],
    )
    time = forms.TimeField(
        label=_("at"),
        widget=TimeInput(format="%H:%M"),
        error_messages={"required": _("at what time?"), "invalid": _("we can't read that time.")},
        input_formats=["%H:%M", "%H:%M:%S"],
    )
    time_zone = forms.ChoiceField(
        label=_("your time zone"),
        required=False,
        error_messages={"invalid_choice": _("we don't know that place. pick one nearby?")},
        widget=forms.Select(attrs={"data-time-zone": ""}),
    )

    def __init__(
        self, *args: Any, time_zone: str, publish_at: datetime.datetime | None, **kwargs: Any
    ) -> None:
        initial: dict[str, Any] = {"time_zone": time_zone}
        if publish_at is not None:
            local = publish_at.astimezone(zone(time_zone))
            initial |= {"day": local.date(), "time": local.time()}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["time_zone"].choices = zones(time_zone)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"day", "time", "time_zone"} <= cleaned.keys():
            try:
                found = moments.moment(cleaned["day"], cleaned["time"], zone(cleaned["time_zone"]))
                moments.check(found)
            except moments.NoMoment as error:
                self.add_error("day", str(error))
            else:
                cleaned["moment"] = found
        return cleaned
