"""What the page cache asks before it renders a page for an anonymous visitor, and its answer of refusal."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.template import loader
from django.utils.translation import gettext as _

from apps.limits.addresses import is_proxy
from apps.pagecache.cacheable import Site
from apps.pagecache.responses import Response
from apps.pagecache.shedding import Admission
from kwippy.middleware import PolicyMiddleware

# Seconds for which a render waits for its turn.
PATIENCE = 2.0
# Seconds, for crawlers: they take a 503 as "later", and keep the page in their index.
RETRY_AFTER = 30


def admission() -> Admission | None:
    """By `settings.SHEDDING`; None where nothing is shed."""
    options = settings.SHEDDING
    if options is None or settings.PAGECACHE is None:
        return None
    page = _response(HttpResponse(loader.get_template("503.html").render()))
    words = _("The site is busy or being repaired. Try again in a moment.")
    data = _response(JsonResponse({"error": words}))
    return Admission(
        target=options["AFTER_MS"] / 1000,
        renders=options["RENDERS"],
        patience=PATIENCE,
        is_proxy=is_proxy,
        refusal=lambda path: data if path.endswith(".json") else page,
    )


def _response(body: HttpResponse) -> Response:
    """Made once: with the headers that Django's middleware gives each page."""
    body.status_code = 503
    body["Retry-After"] = str(RETRY_AFTER)
    body["Cache-Control"] = "no-store"
    site = Site(site_url=settings.SITE_URL, hosts=[], cookies=[])
    environ = {"SERVER_NAME": "", "SERVER_PORT": "", "wsgi.errors": None}
    request = WSGIRequest(site.canonical_request(environ, "/", ""))
    policy = PolicyMiddleware(lambda _: body)
    SecurityMiddleware(XFrameOptionsMiddleware(policy))(request)  # they add to `body`
    content = body.content
    body["Content-Length"] = str(len(content))
    return Response(f"503 {body.reason_phrase}", list(body.items()), content)
