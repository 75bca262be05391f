"""Files at well-known addresses, for crawlers, browsers, password managers and security researchers.

The icons at the root (`/favicon.ico`, `/apple-touch-icon.png`) are static files in `static/root`.
"""

import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.pagecache import public_page

TEXT = "text/plain; charset=utf-8"
# Pages that differ for each viewer, or have no content.
PRIVATE = (
    "/accounts/", "/admin/", "/everyone/new/", "/kwip/", "/livez", "/metrics", "/network/", "/readyz",
    "/search/", "/settings/",
)  # fmt: skip
# Crawlers that collect training data for models, by their published names. Crawlers of search engines, and
# those that fetch a page at a person's request, have other names.
TRAINING_CRAWLERS = (
    "AI2Bot", "Ai2Bot-Dolma", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider", "CCBot",
    "ClaudeBot", "cohere-training-data-crawler", "Diffbot", "FacebookBot", "Google-Extended", "GPTBot",
    "ImagesiftBot", "Meta-ExternalAgent", "omgili", "omgilibot", "PanguBot", "Timpibot", "webzio-extended",
)  # fmt: skip
# RFC 9116 recommends less than a year.
SECURITY_DAYS = 180


@public_page("machines", uncached_query=(), may_shed=False)
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE), ""]
    if settings.REFUSE_TRAINING:
        lines += [*(f"User-agent: {name}" for name in TRAINING_CRAWLERS), "Disallow: /", ""]
    lines += [f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""]
    return HttpResponse("\n".join(lines), content_type=TEXT)


@public_page("machines", uncached_query=(), may_shed=False)
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    icons: list[dict[str, Any]] = [
        {
            "src": static(f"icons/{name}-{side}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for side in (192, 512)
        for name, purpose in (("icon", "any"), ("maskable", "maskable"))
    ]
    about = {
        "name": settings.SITE_NAME,
        "description": _("a small place to write what is on your mind, and to talk about it."),
        "lang": get_language() or "en",
        "dir": "rtl" if get_language_bidi() else "ltr",
        "short_name": settings.SITE_NAME,
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": "#eff7ff",
        # Of light pages; a page's own `theme-color` has one for each scheme.
        "theme_color": "#eff7ff",
        "icons": icons,
        "shortcuts": [
            {"name": name, "url": url, "icons": icons[:1]}
            for name, url in ((_("write a kwip"), "/kwip/"), (_("notices"), "/notifications/"))
        ],
    }
    return JsonResponse(about, content_type="application/manifest+json")


@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """The address that password managers open to change a password."""
    response = HttpResponseRedirect(resolve_url("account_change_password"))
    response["Cache-Control"] = "public, max-age=86400"
    return response


@public_page("machines", uncached_query=(), may_shed=False)
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """The contact for reports of vulnerabilities (RFC 9116)."""
    if not settings.SECURITY_CONTACT:
        return unknown(request)
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    expires = (today + datetime.timedelta(days=SECURITY_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type=TEXT)


@require_safe
def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A short 404, without a page, for programs that probe addresses."""
    return HttpResponse("not found\n", content_type=TEXT, status=404)
