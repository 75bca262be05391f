"""The contact form: spam protection without a CAPTCHA, and no header injection."""

import uuid
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, ProhibitNullCharactersValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.commandqueue.mail.headers import validate_header_address, validate_header_text, validate_one_line
from apps.contact.models import EMAIL_LIMIT, NAME_LIMIT, SUBJECT_LIMIT, TEXT_LIMIT
from apps.kwips.forms import storable
from apps.plaintext import clean, clean_line
from apps.puzzles.forms import PuzzledForm

MIN_SECONDS = 3  # a form that is sent sooner is probably sent by a robot
MAX_SECONDS = 24 * 60 * 60

# Error pages return the values of these fields to the visitor.
RETURNED_FIELDS = ("name", "email", "subject", "text")


def new_form_key() -> str:
    """A form's idempotency key and time of rendering, signed."""
    return _signer().sign(str(uuid.uuid4()))


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="apps.contact")


class _Field(forms.CharField):
    """Has no `maxlength`: browsers truncate pasted text at it without an error."""

    default_error_messages = {
        "max_length": _("that's %(show_value)s characters; there is room for %(limit_value)s."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for validator in self.validators:
            if isinstance(validator, ProhibitNullCharactersValidator):
                validator.message = _("there is a NUL character in it; please take it out.")
        self.validators.append(storable)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"dir": "auto"}


class NameField(_Field):
    default_validators = [validate_header_text]


class AddressField(_Field):
    """A deliverable address; its domain is encoded as ASCII."""

    default_validators = [validate_one_line]  # before the domain is encoded
    default_error_messages = {
        "required": _("where should the answer go?"),
        "invalid": _("that doesn't look like an e-mail address."),
    }
    widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}

    def clean(self, value: Any) -> str:
        local, _at, domain = super().clean(value).rpartition("@")
        try:
            address = f"{local}@{domain.encode('idna').decode()}"
            # Rejects localhost and IP addresses.
            EmailValidator(allowlist=[])(address)
            if domain.startswith("["):
                raise ValueError("an address by number")
            validate_header_address(address)
        except (ValueError, ValidationError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return address


class ContactForm(PuzzledForm, forms.Form):
    purpose = "contact"

    name = NameField(
        label=_("your name"),
        max_length=NAME_LIMIT,
        error_messages={"required": _("what may we call you?")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = AddressField(label=_("your e-mail address"), max_length=EMAIL_LIMIT)
    subject = NameField(
        label=_("what is it about?"),
        max_length=SUBJECT_LIMIT,
        error_messages={"required": _("a word or two will do.")},
    )
    text = _Field(
        label=_("your message"),
        max_length=TEXT_LIMIT,
        strip=False,
        error_messages={"required": _("say something first :)")},
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    # A honeypot: hidden from people, filled in by robots.
    website = forms.CharField(
        label=_("leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    form_key = forms.CharField(required=False, widget=forms.HiddenInput, initial=new_form_key)

    def clean_name(self) -> str:
        return self._not_empty("name", clean_line(self.cleaned_data["name"]))

    def clean_subject(self) -> str:
        return self._not_empty("subject", clean_line(self.cleaned_data["subject"]))

    def clean_text(self) -> str:
        return self._not_empty("text", clean(self.cleaned_data["text"]))

    def _not_empty(self, field: str, cleaned: str) -> str:
        if not cleaned:
            raise ValidationError(self.fields[field].error_messages["required"], code="required")
        return cleaned

    def clean_website(self) -> None:
        """An error, so that a person whose browser filled it in can empty it."""
        if self.cleaned_data["website"]:
            raise ValidationError(_("this one is a trap for robots. leave it empty, and send again."))

    def clean_form_key(self) -> uuid.UUID | None:
        signed = self.cleaned_data["form_key"]
        try:
            key = uuid.UUID(_signer().unsign(signed, max_age=MAX_SECONDS))
        except (signing.BadSignature, ValueError):
            self.data = dict(self.data.items()) | {"form_key": new_form_key()}
            self._ask_again(gettext("this form was open for long. have a look, and send it once more."))
            return None
        try:
            _signer().unsign(signed, max_age=MIN_SECONDS)
        except signing.SignatureExpired:
            return key
        self._ask_again(gettext("that was quick! robots are. if you are none, just send it once more."))
        return None

    def _ask_again(self, why: str) -> None:
        # Other errors make the visitor send the form again anyway.
        if not self.errors:
            self.add_error(None, why)
