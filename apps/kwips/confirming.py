"""One more question before an admin action: it shows what is meant, and holds for a whole search result.

Django's own puts a hidden field for each object into its form, and a form may have a thousand fields.
"""

from collections.abc import Mapping, Sequence

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the request is the answer to the question."""
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
    """The question. Its form goes to the same address, whose search and filters select the same again."""
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
