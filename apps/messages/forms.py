"""The forms of messages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.kwips.forms import FormKeyField, TextField
from apps.messages.models import TEXT_LIMIT, Preference

# Error pages return these fields to the visitor.
RETURNED_FIELDS = ("text",)


class MessageForm(forms.Form):
    text = TextField(label=_("your message"), limit=TEXT_LIMIT)
    form_key = FormKeyField()


class PreferenceForm(forms.ModelForm):
    class Meta:
        model = Preference
        fields = ("takes_messages", "takes_buzzes")
        labels = {
            "takes_messages": _("people i follow can write to me"),
            "takes_buzzes": _("people i follow can buzz me when i am silent"),
        }
        help_texts = {
            "takes_messages": _("off means nobody. the ones you write to can still answer you."),
            "takes_buzzes": _("a buzz has no words. it just says that someone misses yours :)"),
        }
