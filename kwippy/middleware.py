"""What every response gets unless its view said otherwise."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import loader

from apps.limits import Busy
from kwippy.errors import busy


class PrivateByDefaultMiddleware:
    """No cache anywhere keeps a response that did not ask for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class Utf8Middleware:
    """Refuses forms that say they are anything but UTF-8.

    Django decodes a form by whatever codec of Python's its Content-Type names; some of them make lone
    surrogates, which nothing can encode again, and some are no codecs of text at all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.strip("\"' ").lower() not in ("utf-8", "utf8"):
            return HttpResponse(loader.get_template("400.html").render(), status=400)
        return self.get_response(request)


class BusyMiddleware:
    """Answers `apps.limits.Busy` by a 503: it is not an error, and no mail is sent about it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return busy(request, exception) if isinstance(exception, Busy) else None
