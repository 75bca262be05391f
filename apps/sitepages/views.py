"""The pages, the same for each visitor."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.fragments import render
from apps.pagecache import public_page
from apps.policy.keys import POLICY
from apps.sitepages import queries
from apps.sitepages.keys import site_page
from apps.sitepages.rendering import page_html


@public_page(site_page("{slug}"), POLICY, uncached_query=())
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    shown = queries.shown(slug)
    context = shown._asdict() | {"html": page_html(shown.text)}
    return render(request, "sitepages/page.html", context)
