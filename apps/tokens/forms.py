"""The form that makes a token."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.form_messages import SiteMessages
from apps.kwips.forms import storable
from apps.plaintext import clean_line
from apps.tokens import secret
from apps.tokens.models import NAME_LIMIT, Scope

# Error pages return these fields to the visitor.
RETURNED_FIELDS = ("name",)


class TokenForm(SiteMessages, forms.Form):
    name = forms.CharField(
        label=_("what is it for?"),
        max_length=NAME_LIMIT,
        validators=[storable],
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        help_text=_("so that you know it again: the weather station, my editor, …"),
    )
    writes = forms.BooleanField(required=False, initial=True, label=_("it may write kwips as me"))
    reads = forms.BooleanField(required=False, label=_("it may read my network"))
    form_key = forms.CharField(required=False, initial=secret.new_key, widget=forms.HiddenInput)

    def clean_name(self) -> str:
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("there is nothing here yet."), code="required")
        return name

    def clean_form_key(self) -> str:
        key: str = self.cleaned_data["form_key"]
        return key if secret.is_key(key) else secret.new_key()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self._scope(cleaned):
            self.add_error("reads", _("one of the two, or it is good for nothing."))
        return cleaned

    @property
    def chosen(self) -> dict[str, Any]:
        """The arguments of `actions.make`."""
        cleaned = self.cleaned_data
        return {"name": cleaned["name"], "scope": self._scope(cleaned), "form_key": cleaned["form_key"]}

    @staticmethod
    def _scope(cleaned: dict[str, Any]) -> Scope:
        scope = Scope(0)
        if cleaned.get("writes"):
            scope |= Scope.WRITE_KWIPS
        if cleaned.get("reads"):
            scope |= Scope.READ_NETWORK
        return scope
