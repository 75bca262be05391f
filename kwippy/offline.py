"""The service worker and its offline page: the same for every visitor, without words of any person.

The worker's text changes with the page and its files, so that browsers find the new one. Reasons:
`docs/decisions/offline.md`.
"""

import json
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.pagecache import public_page

PATH = "/offline/"
FILES = ("css/kwippy.css", "offline.js", "favicon.svg")


@public_page("machines", uncached_query=(), may_shed=False)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_page())


@public_page("machines", uncached_query=(), may_shed=False)
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    site = {
        "page": PATH,
        "files": [static(name) for name in FILES],
        "version": blake2b(_page().encode(), digest_size=6).hexdigest(),
        "kept": _("kept. it goes out when you are back online."),
    }
    # JSON of our own paths and words, in a script that is no HTML.
    text = render_to_string("sw.js", {"site": mark_safe(json.dumps(site))})  # noqa: S308
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


def _page() -> str:
    """Rendered without the request: nothing of its sender can be in it."""
    return render_to_string("offline.html")
