"""Renders a page as bytes. Parts that are bytes already, as cached fragments and cards, are never decoded.

One emoji makes Python keep a text at four bytes a character, and each level of templates copies it. So a tag
leaves a cut where its bytes belong, and `render` joins them with the encoded rest of the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import Context
from django.template.context import make_context
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

# A lone surrogate: no request, template or row has one, and a page that is left with one can't be encoded.
CUT: SafeString = mark_safe("\udc00")


def render(
    request: HttpRequest, template_name: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """As `django.shortcuts.render`."""
    template: Any = get_template(template_name)
    bound: Any = make_context(dict(context or {}), request, autoescape=template.backend.engine.autoescape)
    bound.inserted = []
    text = template.template.render(bound)
    return HttpResponse(b"".join(joined(text, bound.inserted)), status=status)


def insert(context: Context, *html: bytes) -> SafeString:
    """What a tag returns for ``html``: a cut, or the decoded text where `render` does not render the page."""
    inserted: list[Sequence[bytes]] | None = getattr(context, "inserted", None)
    if inserted is None:
        return mark_safe(b"".join(html).decode())  # noqa: S308 - from templates
    inserted.append(html)
    return CUT


def joined[T](text: str, inserted: Sequence[Sequence[T]]) -> list[bytes | T]:
    """The encoded text with the inserted parts where its cuts are: for each cut, one or more of them."""
    first, *texts = text.split(CUT)
    if len(texts) != len(inserted):
        raise RuntimeError("a template left out an inserted part of the page, or shows it twice")
    parts: list[bytes | T] = [first.encode()]
    for inserted_here, following in zip(inserted, texts, strict=True):
        parts += inserted_here
        if following:
            parts.append(following.encode())
    return parts
