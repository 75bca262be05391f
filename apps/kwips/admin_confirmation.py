"""The confirmation page of an admin action; it works for a whole search result.

Django's page has a hidden field for each object, and a form may have a thousand fields.
"""

from collections.abc import Mapping, Sequence

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.accounts.models import User


def operator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin requires it
    return request.user


def is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get("post") == "yes"


def confirmation(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    action: str,
    title: str,
    note: str,
    lines: Sequence[str],
    more: int = 0,
    hidden: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Renders the page. Its form posts to the same address, whose search and filters select the same rows."""
    selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
    across = request.POST.get("select_across") == "1"
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "note": note,
        "lines": lines,
        "more": more,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "checkbox": ACTION_CHECKBOX_NAME,
        "selected": selected[:1] if across else selected,
        "hidden": {"action": action, "select_across": "1" if across else "0", "post": "yes"}
        | dict(hidden or {}),
    }
    return TemplateResponse(request, "admin/kwips/confirm.html", context)
