"""Admin of messages to members: an operator writes to some by name, or to all."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.notifications import actions
from apps.notifications.models import OperatorMessage
from apps.plaintext import clean

MOST_NAMES = 1_000
_BETWEEN = re.compile(r"[\s,@]+")


class OperatorMessageForm(forms.ModelForm):
    names = forms.CharField(
        label=_("to these members"),
        required=False,
        max_length=MOST_NAMES * 40,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("User names, with spaces or commas between them: one, or up to 1,000."),
    )
    to_all = forms.BooleanField(
        label=_("to all members"), required=False, help_text=_("Everyone whose account is active.")
    )

    class Meta:
        model = OperatorMessage
        fields = ("text", "form_key")
        widgets = {"form_key": forms.HiddenInput}

    recipients: list[int] | None = None

    def clean_text(self) -> str:
        text = clean(self.cleaned_data["text"]).strip()
        if not text:
            raise ValidationError(_("Write something first."))
        return text

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        names = {name.lower() for name in _BETWEEN.split(self.cleaned_data.get("names", "")) if name}
        if bool(names) == self.cleaned_data.get("to_all", False):
            self.add_error("names", _("Either name the members, or choose all."))
        elif len(names) > MOST_NAMES:
            self.add_error("names", _("More than 1,000 names: send it in parts, or to all."))
        elif names:
            found = dict(
                User.objects.filter(username__in=names, is_active=True).values_list("username", "pk")
            )
            if unknown := sorted(names - found.keys())[:10]:
                text = _("No active member has the name %(names)s.") % {"names": ", ".join(unknown)}
                self.add_error("names", text)
            self.recipients = list(found.values())
        return cleaned


@admin.register(OperatorMessage)
class OperatorMessageAdmin(admin.ModelAdmin):
    """A message is not changed after it is sent. Deleting it removes it from the members' lists."""

    form = OperatorMessageForm
    list_display = ("beginning", "written_by", "created_at")
    list_select_related = ("written_by",)
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: OperatorMessage | None = None) -> tuple[str, ...]:
        return (
            ("text", "names", "to_all", "form_key") if obj is None else ("text", "written_by", "created_at")
        )

    @admin.display(description=_("text"))
    def beginning(self, message: OperatorMessage) -> str:
        return message.text[:80]

    def has_change_permission(self, request: HttpRequest, obj: OperatorMessage | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: OperatorMessage, form: OperatorMessageForm, change: bool
    ) -> None:
        assert isinstance(request.user, User)  # noqa: S101 - the admin requires it
        obj.written_by = request.user
        actions.write_to_members(message=obj, recipients=form.recipients)
