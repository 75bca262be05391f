"""Error messages of forms, in place of Django's and allauth's."""

import copy
from typing import Any

from django.forms import BaseForm
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

_MESSAGES = {
    "required": _("there is nothing here yet."),
    "invalid": _("that doesn't look right."),
    "min_length": _("a little longer, please: %(limit_value)d characters at least."),
    "max_length": _(
        "a little shorter, please: %(limit_value)d characters at most, and these are %(show_value)d."
    ),
    "null_characters_not_allowed": _("there is a character in it that can't be kept; please take it out."),
}
_ADDRESS = _("that doesn't look like an e-mail address.")
# Fields for which allauth shows a "Forgot your password?" link.
_CURRENT = ("password", "oldpassword")


class SiteMessages(BaseForm):
    """Replaces error messages, and removes placeholders, which repeat the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            is_address = field.widget.attrs.get("type", getattr(field.widget, "input_type", "")) == "email"
            for code, message in _MESSAGES.items():
                field.error_messages[code] = message
            if is_address:
                field.error_messages["invalid"] = _ADDRESS
            field.validators = [_with_message(validator, is_address) for validator in field.validators]
            if name in _CURRENT and field.help_text:
                field.help_text = format_html(
                    '<a href="{}">{}</a>',
                    reverse("account_reset_password"),
                    gettext("forgot it? happens to everybody :o)"),
                )

    def add_error(self, field: str | None, error: Any) -> None:
        # allauth has no hook for this message.
        if str(error) == gettext("You must type the same password each time."):
            error = gettext("these two aren't the same.")
        super().add_error(field, error)


def _with_message(validator: Any, is_address: bool) -> Any:
    """A copy of the validator with the site's message."""
    code = getattr(validator, "code", None)
    message = _ADDRESS if is_address and code == "invalid" else _MESSAGES.get(str(code))
    if message is None or not hasattr(validator, "message"):
        return validator
    validator = copy.copy(validator)
    validator.message = message
    return validator
