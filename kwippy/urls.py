"""The URL map of the site. Pages of people (`/<user>/`) come last, since they match any remaining path."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView
from django.views.static import serve

from apps.feeds import views as feeds
from apps.pagecache import public_page
from apps.policy.keys import POLICY
from kwippy import asking, offline, well_known
from kwippy.observability import health, metrics


def redirecting(name: str) -> Callable[..., Any]:
    """A page of the admin that leads to another one."""

    def to(_request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return redirect(name)

    return to


admin.site.site_title = settings.SITE_NAME
# Each page of the admin names the time zone of its times.
admin.site.site_header = f"{settings.SITE_NAME} · times are {settings.TIME_ZONE}"
# Django's own forms know neither limits nor second factors, and log nothing: allauth's are the only ones. Its
# decorator alone would leave the sign-in form to staff that is signed in.
admin.site.login = secure_admin_login(redirecting("admin:index"))  # type: ignore[method-assign]
admin.site.password_change = redirecting("account_change_password")  # type: ignore[method-assign]


def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Uploaded pictures, where nginx does not serve them. Names are random, so a picture never changes."""
    response = serve(request, path, document_root=settings.MEDIA_ROOT)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    # As nginx's: own.conf.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


urlpatterns: list[URLPattern | URLResolver] = [
    # First: Django tries the patterns in turn, and members request nothing more often.
    path("", feeds.home, name="home"),
    path("kwip/", include("apps.kwips.kwip_urls")),
    path("admin/", admin.site.urls),
    path(
        "about/", public_page("about", POLICY)(TemplateView.as_view(template_name="about.html")), name="about"
    ),
    path(
        "about/keys/",
        public_page("about", POLICY)(TemplateView.as_view(template_name="keys.html")),
        name="about_keys",
    ),
    path("robots.txt", well_known.robots, name="robots"),
    path("manifest.webmanifest", well_known.manifest, name="manifest"),
    path("sw.js", offline.worker, name="service_worker"),
    path("offline/", offline.page, name="offline"),
    path(".well-known/change-password", well_known.change_password),
    path(".well-known/security.txt", well_known.security, name="security"),
    path(".well-known/<path:rest>", well_known.unknown),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", metrics.hidden),
    *([path("media/<path:path>", media)] if settings.SERVE_MEDIA else []),
    path("", include("apps.archive.urls")),
    path("", include("apps.inbound.urls")),
    path("", include("apps.contact.urls")),
    path("", include("apps.sitepages.urls")),
    path("", include("apps.cspreports.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.search.urls")),
    path("", include("apps.tokens.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.factors.urls")),
    path("", include("apps.moderation.urls")),
    path("", include("apps.messages.urls")),
    path("", include("apps.drafts.urls")),
    path("", include("apps.kwips.urls")),
    path("", include("apps.graph.urls")),
    path("", include("apps.directory.urls")),
    path("", include("apps.feeds.urls")),
]
asking.guard(urlpatterns)

handler400 = "kwippy.errors.bad_request"
handler403 = "kwippy.errors.forbidden"
handler404 = "kwippy.errors.not_found"
handler429 = "kwippy.errors.too_many"  # allauth's name for it; Django has none
handler500 = "kwippy.errors.server_error"
