"""A small site: `shown` is its data, `rendered` counts renders, and `hooks` run during a render."""

from collections import Counter
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from apps.pagecache import public_page

DATED = "Thu, 26 Nov 2026 05:00:00 GMT"
shown: dict[str, str] = {}
rendered: Counter[str] = Counter()
hooks: list[Callable[[], object]] = []


def text(request: HttpRequest, name: str) -> HttpResponse:
    rendered[request.get_full_path()] += 1
    if name not in shown:
        raise Http404
    said = shown[name]
    for hook in hooks:
        hook()
    return HttpResponse(f"<p>{name}: {said}</p>")


@public_page("user:{name}", "people", allowed_query={"sort": ("active",)})
def person(request: HttpRequest, name: str) -> HttpResponse:
    return text(request, name)


@public_page("tag:{name}")
def tag(request: HttpRequest, name: str) -> HttpResponse:
    return text(request, name)


def private_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware, as a site has it: what no view declared cacheable is private."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return respond


def private(request: HttpRequest) -> HttpResponse:
    return HttpResponse("yours alone")


@public_page("echo")
def echo(request: HttpRequest) -> HttpResponse:
    """Everything that a view sees of a request, except its id and its server."""
    own = {name: value for name, value in request.META.items() if not name.startswith(("wsgi.", "SERVER_"))}
    return HttpResponse(repr([sorted(own.items()), request.COOKIES, request.build_absolute_uri()]))


@public_page("faulty")
def faulty(request: HttpRequest, how: str) -> HttpResponse:
    """A response that must not be cached; ``how`` is the reason."""
    rendered[how] += 1
    response = HttpResponse("a page")
    match how:
        case "cookie":
            response.set_cookie("seen", "1")
        case "token":
            response.content = b'<input name="csrfmiddlewaretoken" value="x">'
        case "nonce":
            response["Content-Security-Policy"] = "script-src 'nonce-abc'"
        case "vary":
            response["Vary"] = "Accept-Language"
        case "status":
            response.status_code = 203
        case "dated":
            response["Last-Modified"] = DATED
        case "large":
            import os

            response.content = os.urandom(300_000)
        case "error":
            raise RuntimeError
    return response


@public_page("machines", may_shed=False)
def machines(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for machines")


urlpatterns = [
    path("machines/", machines),
    path("private/", private),
    path("echo/", echo),
    path("faulty/<str:how>/", faulty),
    path("tag/<str:name>/", tag),
    path("<str:name>/", person),
]
