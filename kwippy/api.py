"""What all addresses below `/api/` have in common: no cookies, JSON whatever happens, either spelling."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

PREFIX = "/api/"
_JSON = "application/json"
# For responses of Django and of the site that are pages elsewhere.
_WORDS = {
    400: _("The request can't be read."),
    403: _("This action is not allowed."),
    404: _("There is nothing at this address."),
    405: _("This address takes other methods."),
    413: _("The body is too large."),
    503: _("The site is busy or being repaired. Try again in a moment."),
}
_OTHER = _("Something broke here. The operators see it.")


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIX)


class ApiMiddleware:
    """Outside of whatever reads a cookie: a browser's session counts for nothing below `/api/`.

    Programs write addresses with and without the last slash, and do not follow a redirect of a POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        if not request.path_info.endswith("/"):
            request.path_info += "/"
        response = self.get_response(request)
        if response.status_code >= 400 and response.headers.get("Content-Type") != _JSON:
            words = _WORDS.get(response.status_code, _OTHER)
            response.content = JsonResponse({"error": str(words)}).content
            response.headers["Content-Type"] = _JSON
            response.headers["Content-Length"] = str(len(response.content))
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Authorization"])
        return response
