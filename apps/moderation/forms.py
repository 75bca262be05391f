"""The forms of moderation."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.kwips.forms import FormKeyField, TextField
from apps.moderation.models import APPEAL_LIMIT, WORDS_LIMIT, Reason, What

# Error pages return these fields to the visitor.
RETURNED_FIELDS = ("words",)


class ReportForm(forms.Form):
    reason = forms.ChoiceField(label=_("what's wrong with it?"), choices=Reason, widget=forms.RadioSelect)
    words = TextField(label=_("in your words (if you like)"), limit=WORDS_LIMIT, required=False)


class ActForm(forms.Form):
    """What a moderator does. ``allowed`` are the actions that the page offers."""

    what = forms.ChoiceField(label=_("what to do"), choices=(), widget=forms.RadioSelect)
    reason = forms.ChoiceField(label=_("why"), choices=Reason)
    words = TextField(
        label=_("words that the person gets by mail"),
        limit=WORDS_LIMIT,
        required=False,
        help_text=_("the log keeps them for good, with “…” for names and addresses of people."),
    )
    form_key = FormKeyField()

    def __init__(self, *args: object, allowed: list[What], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.fields["what"].choices = [(what.value, what.label) for what in allowed]  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    words = TextField(label=_("a note for moderators"), limit=WORDS_LIMIT)


class AppealForm(forms.Form):
    words = TextField(label=_("why it was wrong"), limit=APPEAL_LIMIT)
