"""The body of a request as the data of a form: JSON, or a form as browsers send it."""

import json
from collections.abc import Mapping
from typing import Any

from django.forms import BooleanField, Form
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from apps.tokens.answers import Refused

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
# What only the page sends: a program cannot upload pictures.
OF_THE_PAGE = ("form_key", "draft", "pictures", "is_sensitive")
_YES, _NO = ("true", "1", "on", "yes", "t"), ("false", "0", "off", "no", "f", "")


def data_for(form: type[Form], request: HttpRequest) -> QueryDict:
    """The fields of ``form`` in the body. Raises `Refused`, and `RequestDataTooBig`.

    A field that the form does not have is refused: it may be a mistyped one that says who reads the text.
    """
    sent = _sent(request)
    data = QueryDict(mutable=True)
    for name, values in sent.items():
        field = form.base_fields.get(name)
        if field is None or name in OF_THE_PAGE:
            known = ", ".join(name for name in form.base_fields if name not in OF_THE_PAGE)
            raise Refused(422, _("There is no field %(name)s. There are: %(known)s.")
                          % {"name": ascii(name[:50]), "known": known})  # fmt: skip
        if isinstance(field, BooleanField):
            values = _yes_or_no(name, values)
        data.setlist(name, values)
    return data


def _sent(request: HttpRequest) -> Mapping[str, list[str]]:
    if request.content_type == FORM:
        return dict(request.POST.lists())
    if request.content_type == JSON:
        return _from_json(request.body)
    text = _("Send %(json)s or %(form)s, and say so in Content-Type.")
    raise Refused(415, text % {"json": JSON, "form": FORM}, Accept_Post=f"{JSON}, {FORM}")


def _from_json(body: bytes) -> dict[str, list[str]]:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):  # no UTF-8 either
        raise Refused(400, _("The body is no JSON.")) from None
    if not isinstance(sent, dict):
        raise Refused(400, _('The body has to be a JSON object: {"text": "…"}.'))
    return {name: _texts(name, value) for name, value in sent.items() if value is not None}


def _texts(name: str, value: Any) -> list[str]:
    """A value as a form sends it. Raises `Refused` for what is neither text, number, yes or no."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) for one in values):
        raise Refused(422, _("%(name)s has to be a text.") % {"name": ascii(name[:50])})
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]


def _yes_or_no(name: str, values: list[str]) -> list[str]:
    """What a ticked box sends, or an unticked one. Raises `Refused` for all other words."""
    word = values[-1].lower() if values else ""
    if word not in _YES + _NO:
        raise Refused(422, _("%(name)s has to be true or false.") % {"name": ascii(name)})
    return ["on"] if word in _YES else []
