"""The contact form: no puzzle to solve, and nothing that a mail could be bent with."""

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

QUICKEST = 3  # seconds; nobody fills it in by hand in less
LONGEST = 24 * 60 * 60

# Error pages give these fields back.
RETURNED_FIELDS = ("name", "email", "subject", "text")


def stamp() -> str:
    """A fresh form's key and time, signed: who sends it back has opened the form, and we know when."""
    return _signer().sign(str(uuid.uuid4()))


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="apps.contact")


class _Field(forms.CharField):
    """Too long is said, not cut: browsers cut at `maxlength` what is pasted, and say nothing."""

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
    """An address that mail can go to from here; its domain as it is written in a mail, in ASCII."""

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
            # Neither this machine nor one by its number: those are nobody's address.
            EmailValidator(allowlist=[])(address)
            if domain.startswith("["):
                raise ValueError("an address by number")
            validate_header_address(address)
        except (ValueError, ValidationError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return address


class ContactForm(forms.Form):
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
    # People don't see it. Whoever fills in whatever there is does.
    website = forms.CharField(
        label=_("leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    form_key = forms.CharField(required=False, widget=forms.HiddenInput, initial=stamp)

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
        """Nothing is thrown away for it: a person whose browser filled it in can empty it."""
        if self.cleaned_data["website"]:
            raise ValidationError(_("this one is a trap for robots. leave it empty, and send again."))

    def clean_form_key(self) -> uuid.UUID | None:
        signed = self.cleaned_data["form_key"]
        try:
            key = uuid.UUID(_signer().unsign(signed, max_age=LONGEST))
        except (signing.BadSignature, ValueError):
            self._restamp()
            self._ask_again(gettext("this form was open for long. have a look, and send it once more."))
            return None
        try:
            _signer().unsign(signed, max_age=QUICKEST)
        except signing.SignatureExpired:
            return key
        self._ask_again(gettext("that was quick! robots are. if you are none, just send it once more."))
        return None

    def _ask_again(self, why: str) -> None:
        # Where a field has to be put right, it is sent once more anyway.
        if not self.errors:
            self.add_error(None, why)

    def _restamp(self) -> None:
        self.data = dict(self.data.items()) | {"form_key": stamp()}
