"""The preview of a kwip: the form again, with its text as it will be shown."""

from typing import NamedTuple

from django.forms import Form
from django.http import HttpResponse
from django.utils.safestring import SafeString

from apps import limits
from apps.accounts.members import MemberRequest
from apps.fragments import render
from apps.kwips import formatting, queries, text
from apps.plaintext import language_of, safe


class Preview(NamedTuple):
    note: str
    html: SafeString
    language: str


def preview(request: MemberRequest, form: Form, template: str, **context: object) -> HttpResponse:
    """The page of a valid form, with what it would publish; nothing is stored."""
    if not (decision := limits.hit("preview_text", request.user.pk)):
        return limits.refuse(request, decision, template, form, **context)
    shown = of(form.cleaned_data, is_formatted=request.user.formats_texts or "kwip" in context)
    return render(request, template, {"form": form, "preview": shown, **context})


def of(cleaned: dict[str, object], *, is_formatted: bool) -> Preview:
    """What a form's fields would show; ``is_formatted`` is whether they may be at all."""
    words = str(cleaned["text"])
    to_html = formatting.to_html if is_formatted and not cleaned["is_plain"] else text.to_html
    html = to_html(words, queries.people_named([words]))
    return Preview(safe(str(cleaned.get("content_note", ""))), html, language_of(words))
