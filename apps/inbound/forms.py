from django import forms

from apps.kwips.forms import FormKeyField


class AddressForm(forms.Form):
    """A form that is sent twice makes one address, and shows it again."""

    form_key = FormKeyField()
