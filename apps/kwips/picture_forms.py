"""The pictures in the form of a kwip: their names in order, and a text and a middle for each."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from apps.accounts.forms import PlainTextField
from apps.kwips.attaching import Description
from apps.kwips.card_pictures import CardPicture
from apps.kwips.picture_models import PICTURES
from apps.pictures.files import urls
from apps.pictures.models import ALT_LIMIT

_NAME = re.compile(r"[0-9a-f]{32}")
# What has to stay in sight where a list shows a part of the picture.
FOCALS = (
    ("50 50", _("the middle")),
    ("50 0", _("the top")),
    ("50 100", _("the bottom")),
    ("0 50", _("the left")),
    ("100 50", _("the right")),
    ("0 0", _("the top left")),
    ("100 0", _("the top right")),
    ("0 100", _("the bottom left")),
    ("100 100", _("the bottom right")),
)


class PicturesField(forms.Field):
    """Names of pictures. What is no name, and a name for the second time, is left out."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {
        "many": ngettext_lazy(
            "a kwip has %(limit)s picture at most; please take some out.",
            "a kwip has %(limit)s pictures at most; please take some out.",
            "limit",
        )
    }

    def to_python(self, value: Any) -> list[str]:
        return names_in(value)

    def validate(self, value: list[str]) -> None:
        if len(value) > PICTURES:
            raise ValidationError(self.error_messages["many"], code="many", params={"limit": PICTURES})


def names_in(value: Any) -> list[str]:
    """The names in what a form, a draft or a program sent, in their order."""
    values: Iterable[Any] = [value] if isinstance(value, str) else value or ()
    # A few more than allowed, so that the form says that there are too many.
    names = [name for name in values if isinstance(name, str) and _NAME.fullmatch(name)]
    return list(dict.fromkeys(names))[: 2 * PICTURES]


def fields_of(value: Any) -> list[str]:
    """The names of the form's fields for the pictures of these names."""
    return [f"{part}-{name}" for name in names_in(value) for part in ("alt", "focal")]


class ShownPicture(NamedTuple):
    """A picture in a form, with its fields."""

    name: str
    thumb: str
    alt: BoundField
    focal: BoundField


class PicturesForm(forms.Form):
    """A form with pictures: ``alt-NAME`` and ``focal-NAME`` are fields of each.

    A sender that leaves one out, as a program may, changes nothing of it.
    """

    pictures = PicturesField(required=False)
    is_sensitive = forms.BooleanField(required=False, label=_("fold them behind a word"))

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.picture_errors: list[str] = []  # what is wrong with pictures though the form is unchecked
        self.asks_alt = False  # whether it asks for texts before it is sent again
        for name in self.picture_names:
            self.fields[f"alt-{name}"] = PlainTextField(
                max_length=ALT_LIMIT,
                required=False,
                label=_("what is to be seen, for those who can't see it"),
                error_messages={
                    "max_length": _("that's %(show_value)s characters; there is room for %(limit_value)s.")
                },
            )
            self.fields[f"focal-{name}"] = forms.ChoiceField(
                choices=FOCALS, required=False, label=_("keep in sight")
            )

    @property
    def picture_names(self) -> list[str]:
        return names_in(self["pictures"].value())

    @property
    def shown_pictures(self) -> list[ShownPicture]:
        return [
            ShownPicture(name, urls(name).thumb, self[f"alt-{name}"], self[f"focal-{name}"])
            for name in self.picture_names
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        described = {}
        for name in self.picture_names:
            alt, focal = cleaned.pop(f"alt-{name}", ""), cleaned.pop(f"focal-{name}", "")
            if f"alt-{name}" in self.data:
                x, y = map(int, focal.split()) if focal else (None, None)
                described[name] = Description(alt, None if x is None or y is None else (x, y))
        return cleaned | {"described": described}

    @property
    def lacks_alt(self) -> bool:
        """Whether a picture of the valid form has no text."""
        described = self.cleaned_data["described"]
        return not all(name in described and described[name].alt for name in self.picture_names)


def again(form: PicturesForm, names: Iterable[str] | None = None, **changed: Any) -> PicturesForm:
    """The form as it was sent, with these pictures, unchecked: more is to be typed."""
    initial: Mapping[str, Any] = {name: form[name].value() for name in form.fields}
    pictures = form.picture_names if names is None else names
    return type(form)(initial={**initial, "pictures": list(pictures), **changed})


def as_typed(pictures: Iterable[CardPicture]) -> dict[str, Any]:
    """The initial values of a form for the pictures of a kwip."""
    initial: dict[str, Any] = {"pictures": [], "with_pictures": True}
    for picture in pictures:
        initial["pictures"].append(picture.name)
        initial[f"alt-{picture.name}"] = picture.alt
        initial[f"focal-{picture.name}"] = f"{picture.focal_x} {picture.focal_y}"
    return initial


def files_missed(form: PicturesForm, sent: Mapping[str, str]) -> PicturesForm | None:
    """The form that asks for files that were chosen and not sent; None if there are none.

    A browser without a script sends their names alone, unless the button is the one that adds them.
    """
    if not sent.get("files"):
        return None
    shown = again(form)
    words = _("the pictures are not here yet: choose them again, then press “add them”.")
    shown.picture_errors = [str(words)]
    return shown


def asked_before(form: PicturesForm, sent: Mapping[str, str], *, reminds_alt: bool) -> PicturesForm | None:
    """The form with what is to be asked before a valid one is taken; None if nothing is."""
    if reminds_alt and "alt_asked" not in sent and form.lacks_alt:
        shown = again(form)
        shown.asks_alt = True
        return shown
    return None


def without(form: PicturesForm, names: Collection[str]) -> PicturesForm:
    """The form without pictures that are gone; all that was typed stays."""
    shown = again(form, [name for name in form.picture_names if name not in names])
    words = _("a picture is gone: it waited too long, or it is in another kwip. add it again?")
    shown.picture_errors = [str(words)]
    return shown
