"""Django's cache middleware for anonymous visitors alone: a member's page must not be a minute old."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware import cache


def _is_anonymous(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME not in request.COOKIES


class UpdateCacheMiddleware(cache.UpdateCacheMiddleware):
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase | str
    ) -> HttpResponseBase | str:
        return super().process_response(request, response) if _is_anonymous(request) else response


class FetchFromCacheMiddleware(cache.FetchFromCacheMiddleware):
    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        return super().process_request(request) if _is_anonymous(request) else None
