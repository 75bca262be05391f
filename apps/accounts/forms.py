"""Forms for profile, user name and picture."""

import re
import unicodedata
import uuid
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from apps.accounts import links, names
from apps.accounts.form_messages import SiteMessages
from apps.accounts.models import NOTE_LIMIT, ProfileLink, User
from apps.accounts.validators import looks_official, not_reserved, username_shape
from apps.pictures import decoding
from apps.plaintext import clean, clean_line

# Control, bidirectional and invisible characters.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+")

# Blank characters whose category is letter or symbol.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"

# Error pages return the values of these fields to the visitor.
LINKS = tuple(f"link_{number}" for number in range(1, ProfileLink.MOST + 1))
RETURNED_FIELDS = ("display_name", "bio", "pronouns", "location", *LINKS, "words", "note")


class LinkField(forms.URLField):
    """A web address of a page, without a name or password in it."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=200, assume_scheme="https", **options)
        self.error_messages["invalid"] = _("that doesn't look like a web address.")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Without `maxlength`: browsers silently cut a longer paste."""
        return {"inputmode": "url", "autocapitalize": "none", "dir": "ltr"}

    def clean(self, value: object) -> str:
        url = storable(super().clean(value))
        if "@" in urlsplit(url).netloc:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return url


class ProfileForm(SiteMessages, forms.ModelForm):
    class Meta:
        model = User
        fields = ("display_name", "bio", "pronouns", "location")
        # Django's own would begin with a capital.
        labels = {field.name: field.verbose_name for field in User._meta.fields}
        widgets = {
            "display_name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "name"}),
            "bio": forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
            "pronouns": forms.TextInput(attrs={"dir": "auto"}),
            "location": forms.TextInput(attrs={"dir": "auto"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = links.of(self.instance.pk) if self.instance.pk else []
        for name, link in zip_longest(LINKS, found):
            self.fields[name].initial = link.url if link else ""

    link_1 = LinkField(label=_("your links"))
    link_2 = LinkField(label=_("another link"))
    link_3 = LinkField(label=_("a third link"))
    link_4 = LinkField(
        label=_("a fourth link"),
        help_text=_('if the page there links to your page here with rel="me", yours gets a mark.'),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        found = [cleaned.pop(name, "") for name in LINKS]
        return cleaned | {"urls": list(dict.fromkeys(filter(None, found)))}

    def clean_pronouns(self) -> str:
        return self._line("pronouns")

    def clean_location(self) -> str:
        return self._line("location")

    def _line(self, name: str) -> str:
        return " ".join(storable(_UNWANTED.sub("", clean_line(self.cleaned_data[name]))).split())

    def clean_display_name(self) -> str:
        name = self._line("display_name")
        # An unchanged name stays valid.
        if name != self.initial.get("display_name") and looks_official(name):
            raise ValidationError(_("that name would look like the site itself speaking. try another?"))
        # An invisible name would leave nothing to click on.
        return name if any(unicodedata.category(c)[0] in "LNPS" and c not in _BLANKS for c in name) else ""

    def clean_bio(self) -> str:
        lines = clean(self.cleaned_data["bio"]).split("\n")
        return re.sub(
            r"\n{3,}", "\n\n", "\n".join(storable(_UNWANTED.sub("", line)) for line in lines)
        ).strip()


def storable(text: str) -> str:
    """The text in NFC. Raises ValidationError for a lone surrogate, which PostgreSQL cannot store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            _("there is a broken character in it that nobody could read; please take it out.")
        ) from None
    return unicodedata.normalize("NFC", text)


class PlainTextField(forms.CharField):
    """A short text. The limit counts the cleaned text; a longer one gets an error instead of being cut."""

    widget = forms.Textarea

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"rows": 3, "dir": "auto"}

    def to_python(self, value: object) -> str:
        return clean(super().to_python(value) or "")

    def clean(self, value: object) -> str:
        return storable(super().clean(value))


class InvitationForm(SiteMessages, forms.Form):
    note = PlainTextField(
        label=_("a note to go with it"),
        required=False,
        max_length=NOTE_LIMIT,
        help_text=_("the one you invite reads it first :)"),
    )
    form_key = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)

    def clean_form_key(self) -> uuid.UUID:
        return self.cleaned_data["form_key"] or uuid.uuid4()


class KeysForm(SiteMessages, forms.Form):
    has_shortcuts = forms.BooleanField(label=_("single keys do something"), required=False)


class RenameForm(SiteMessages, forms.Form):
    username = forms.CharField(
        label=_("your user name"),
        min_length=3,
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
        help_text=_("your old name leads to the new one for a year, and no one else can take it."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).lower()
        if name != self.user.username:
            username_shape(name)
            not_reserved(name)
            if names.is_taken(name, user_id=self.user.pk):
                raise ValidationError(_("someone has that name already."))
        return name


class UploadField(forms.FileField):
    """A picture. It is not decoded here: the view asks the rate limit first."""

    widget = forms.FileInput(
        attrs={"accept": "image/jpeg,image/png,image/webp,image/gif,image/avif,image/heic,image/heif"}
    )
    default_error_messages = {
        "required": _("choose a picture first."),
        "missing": _("choose a picture first."),
        "empty": _("there is nothing in that file."),
        "invalid": _("that did not arrive as a file. try again?"),
        "max_length": _("that file's name is too long for us."),
    }

    def validate(self, value: UploadedFile) -> None:
        super().validate(value)
        if (value.size or 0) > decoding.BYTES_LIMIT:
            raise ValidationError(decoding.too_big())


class PictureForm(forms.Form):
    picture = UploadField(label=_("your picture"))


class HeaderForm(forms.Form):
    header = UploadField(
        label=_("the picture above your page"),
        help_text=_("wide: three times as wide as high, or we cut it."),
    )
