"""The composer's fields, as a draft keeps them: raw, by name."""

import json
import uuid

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.drafts.models import MOST_BYTES, Draft
from apps.kwips.forms import KwipForm, storable
from apps.kwips.picture_forms import fields_of, names_in
from apps.plaintext import clean

type Fields = dict[str, list[str]]

# What a form has besides what its person chose.
_OF_THE_FORM = {"form_key", "draft"}
VALUES = 20  # of one field


def of(sent: QueryDict) -> Fields:
    """What is kept of a form that was sent. Raises ValidationError if it cannot be stored."""
    names = [*sorted(KwipForm.base_fields.keys() - _OF_THE_FORM), *fields_of(sent.getlist("pictures"))]
    fields = {name: sent.getlist(name)[:VALUES] for name in names if name in sent}
    fields["text"] = [clean(text_of(fields))]
    for values in fields.values():
        for value in values:
            _check(value)
    if len(json.dumps(fields, ensure_ascii=False).encode()) > MOST_BYTES:
        raise ValidationError(_("that's too much for a draft. split it?"), code="bytes")
    return fields


def _check(value: str) -> None:
    storable(value)
    if "\0" in value:
        raise ValidationError(
            _("there is a NUL character in it that can't be kept; please take it out."), code="nul"
        )


def text_of(fields: Fields) -> str:
    return (fields.get("text") or [""])[-1]


def is_empty(fields: Fields) -> bool:
    """Whether there is nothing to keep: neither words nor a picture."""
    return not text_of(fields).strip() and not kept_pictures(fields)


def kept_pictures(fields: Fields) -> list[str]:
    """The names of the waiting uploads that a draft has."""
    return names_in(fields.get("pictures", []))


def form_of(draft: Draft) -> KwipForm:
    """The composer with a draft in it."""
    return KwipForm(_data(draft.form_key, draft.fields, draft.version))


def form_to_publish(draft: Draft) -> KwipForm:
    """The form without a version: its publisher deletes the draft itself."""
    return KwipForm(_data(draft.form_key, draft.fields))


def key_of(form_key: uuid.UUID, fields: Fields) -> uuid.UUID | None:
    """The form key of the kwip that these fields would be; None if they are none yet."""
    form = KwipForm(_data(form_key, fields))
    return form.cleaned_data["form_key"] if form.is_valid() else None


def _data(form_key: uuid.UUID, fields: Fields, version: int = 0) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, values in fields.items():
        data.setlist(name, values)
    data["form_key"], data["draft"] = str(form_key), str(version or "")
    return data
