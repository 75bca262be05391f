"""The forms of blocks and mutes."""

import datetime

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# Error pages return these fields to the visitor.
RETURNED_FIELDS = ("username", "word")

_SPANS = {
    "hour": datetime.timedelta(hours=1),
    "day": datetime.timedelta(days=1),
    "week": datetime.timedelta(weeks=1),
    "month": datetime.timedelta(days=30),
}
_UNTIL = {
    "ever": _("until i change my mind"),
    "hour": _("for an hour"),
    "day": _("for a day"),
    "week": _("for a week"),
    "month": _("for a month"),
}


class BlockForm(forms.Form):
    username = forms.CharField(
        label=_("their user name"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().removeprefix("@")


class MuteForm(forms.Form):
    """How long, and in which way."""

    until = forms.ChoiceField(label=_("how long?"), choices=_UNTIL, initial="ever")
    how = forms.ChoiceField(
        label=_("how?"),
        choices={
            "silenced": _("silence: i don't see it"),
            "muffled": _("muffle: one line says that it's there, and opens"),
        },
        initial="silenced",
    )

    @property
    def ends_at(self) -> datetime.datetime | None:
        span = _SPANS.get(self.cleaned_data["until"])
        return timezone.now() + span if span else None

    @property
    def is_muffled(self) -> bool:
        return bool(self.cleaned_data["how"] == "muffled")


class WordForm(MuteForm):
    word = forms.CharField(
        label=_("a word, a few words, or a #tag"),
        max_length=51,
        help_text=_("whole words, in any case, with or without accents. a #tag mutes the tag only."),
    )
    field_order = ("word", "until", "how")
