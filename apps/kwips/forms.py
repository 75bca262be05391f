"""The forms of kwips and comments."""

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.kwips.card_pictures import CardPicture
from apps.kwips.models import NOTE_LIMIT, TEXT_LIMIT, Kwip
from apps.kwips.picture_forms import PicturesForm, as_typed
from apps.kwips.shared_fields import shares_fields
from apps.plaintext import clean

# Error pages return these fields to the visitor; of pictures their words.
RETURNED_FIELDS = ("text", "content_note", "alt-")


def storable(text: str) -> None:
    """Raises ValidationError for a lone surrogate, which PostgreSQL cannot store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            _("there is a broken character in it that nobody could read; please take it out."), code="broken"
        ) from None


class TextField(forms.CharField):
    """The text of a kwip, or of what has another ``limit``.

    The limit counts the stored text, without the carriage returns that browsers add.
    """

    default_error_messages = {"required": _("say something first :)")}
    widget = forms.Textarea(attrs={"rows": 3, "dir": "auto"})

    def __init__(self, *, limit: int = TEXT_LIMIT, **options: object) -> None:
        super().__init__(max_length=limit, strip=False, **options)  # type: ignore[arg-type]
        self.error_messages["max_length"] = (
            _("that's %(show_value)s characters; the longest kwip has %(limit_value)s.")
            if limit == TEXT_LIMIT
            else _("that's %(show_value)s characters; there is room for %(limit_value)s.")
        )
        for validator in self.validators:
            if isinstance(validator, ProhibitNullCharactersValidator):
                validator.message = _(
                    "there is a NUL character in it that can't be kept; please take it out."
                )
        self.validators.append(storable)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, object]:
        """Without `maxlength`: browsers silently cut a longer paste."""
        return {"data-limit": self.max_length}

    def to_python(self, value: object) -> str:
        return clean(super().to_python(value) or "")


class MentioningField(TextField):
    """A text whose mentions a script completes (``static/mentions.js``)."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, object]:
        return super().widget_attrs(widget) | {
            "data-mentions": _("people whom you may mean"),
            "data-found": _("{n} found. up and down to choose, enter to take, escape to close."),
        }


class NoteField(TextField):
    """One line before a text, or none."""

    def __init__(self) -> None:
        widget = forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"})
        super().__init__(limit=NOTE_LIMIT, required=False, label=_("a note before it"), widget=widget)

    def to_python(self, value: object) -> str:
        return " ".join(super().to_python(value).split())


class FormKeyField(forms.UUIDField):
    """The idempotency key of a form. A missing or malformed key is replaced by a new one."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False, initial=uuid.uuid4)

    def clean(self, value: object) -> uuid.UUID:
        try:
            return uuid.UUID(str(value))
        except ValueError:
            return uuid.uuid4()


class Continued(NamedTuple):
    """The draft that a form continues: the key that the form had, and the version that it shows."""

    form_key: uuid.UUID
    version: int


def version_of(value: object) -> int:
    """The version of a draft; 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


class _TextForm(forms.Form):
    """A form that is sent twice is one kwip; with another text, note or the like it is another one.

    A browser that goes back shows the form again, with the key that was used. ``content`` are the fields
    besides the text that make another kwip of it.
    """

    content: tuple[str, ...] = ()
    text = MentioningField(label=_("your kwip"))
    form_key = FormKeyField()

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if "text" in cleaned:
            others = [f"\0{name}={cleaned[name]}" for name in self.content if cleaned.get(name)]
            content = "".join([self.cleaned_data["text"], *others])
            cleaned["form_key"] = uuid.uuid5(self.cleaned_data["form_key"], content)
        return cleaned


_ASKING = forms.Textarea(attrs={"rows": 3, "dir": "auto", "placeholder": _("what's on your mind?")})


@shares_fields
class KwipForm(PicturesForm, _TextForm):
    """Says who may read the kwip, or nothing: then the account decides, as it is when the kwip is stored.

    The form of a private account says `followers_only` unless `for_everyone` is chosen. So a kwip that was
    written while the account was private stays for followers if the account is public when it arrives.
    """

    content = ("content_note", "is_plain", "pictures")
    text = MentioningField(label=_("your kwip"), widget=_ASKING)
    content_note = NoteField()
    is_plain = forms.BooleanField(required=False, label=_("plain, as i typed it"))
    followers_only = forms.BooleanField(required=False, label=_("only for people who follow me"))
    for_everyone = forms.BooleanField(required=False, label=_("let everyone read it"))
    # The version of the draft that the form continues; without one it has none.
    draft = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        key, version = self.cleaned_data["form_key"], self.cleaned_data.pop("draft", "")
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        cleaned["draft"] = Continued(key, version_of(version)) if version_of(version) else None
        for_everyone, followers_only = cleaned.pop("for_everyone"), cleaned["followers_only"]
        return cleaned | {"followers_only": False if for_everyone else followers_only or None}


@shares_fields
class CommentForm(_TextForm):
    # The style sheet sees by the placeholder whether it is empty.
    text = MentioningField(
        label=_("your comment"),
        widget=forms.Textarea(attrs={"rows": 1, "dir": "auto", "placeholder": _("say something")}),
    )
    # The comment that it answers; what is no id is ignored.
    answers = forms.CharField(required=False, widget=forms.HiddenInput)
    track = forms.BooleanField(required=False, label=_("tell me when the talk goes on"))


class WritingForm(forms.Form):
    formats_texts = forms.BooleanField(
        required=False,
        label=_("show the marks i type as what they mean"),
        help_text=_("> a quote, - a list, `code`, *emphasis*. what you wrote before stays as it is."),
    )
    reminds_alt = forms.BooleanField(
        required=False,
        label=_("remind me when a picture has no words"),
        help_text=_("once, before a kwip is sent: people who can't see a picture read what is in it."),
    )


class ThanksForm(forms.Form):
    shows = forms.BooleanField(required=False, label=_("tell me how many favourites my kwips have"))


@shares_fields
class EditForm(PicturesForm):
    """``with_pictures`` says that the form shows the pictures: without it they stay as they are."""

    text = MentioningField(label=_("your kwip"))
    content_note = NoteField()
    is_plain = forms.BooleanField(required=False, label=_("plain, as i typed it"))
    with_pictures = forms.BooleanField(required=False, widget=forms.HiddenInput)

    @classmethod
    def of(
        cls,
        kwip: Kwip,
        data: QueryDict | None,
        pictures: Iterable[CardPicture] = (),
        *,
        is_sensitive: bool = False,
    ) -> "EditForm":
        """The form of a kwip with its pictures, or of a comment, which has no note."""
        initial = {
            "text": kwip.text,
            "content_note": kwip.content_note,
            "is_plain": not kwip.is_formatted,
            "is_sensitive": is_sensitive,
            **as_typed(pictures),
        }
        form = cls(data, initial=initial)
        if kwip.thread_id is not None:
            del form.fields["content_note"]
        return form

    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        if not cleaned.pop("with_pictures"):
            cleaned |= {"pictures": None, "is_sensitive": None}
        return cleaned
