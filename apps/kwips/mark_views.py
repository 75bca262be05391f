"""The buttons that share a kwip, and that keep it as a bookmark."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.kwips import bookmarks, sharing
from apps.kwips.views import mark
from apps.securitylog import forbidden


@require_POST
@members_only
def share(request: MemberRequest, kwip_id: int) -> HttpResponse:
    try:
        return mark(request, kwip_id, "share", sharing.share)
    except sharing.NotShareable:
        return _refused(request, _("only a kwip of someone else that everyone may read can be shared."))


@require_POST
@members_only
def unshare(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return mark(request, kwip_id, "share", sharing.unshare)


@require_POST
@members_only
def bookmark(request: MemberRequest, kwip_id: int) -> HttpResponse:
    try:
        return mark(request, kwip_id, "bookmark", bookmarks.bookmark)
    except bookmarks.TooMany:
        forbidden.excuse(request)
        words = _("that's %(n)s bookmarks, all that fit. take an old one out, and this one fits.")
        return _refused(request, words % {"n": f"{bookmarks.MOST:,}"})


@require_POST
@members_only
def unbookmark(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return mark(request, kwip_id, "bookmark", bookmarks.unbookmark)


def _refused(request: HttpRequest, words: str) -> HttpResponse:
    """The answer to a button that cannot do what it says: a page, or JSON for the page's script."""
    if limits.prefers_json(request):
        return JsonResponse({"error": words}, status=403)
    raise PermissionDenied(words)
