"""The URLs, the view and the backends of `constant_settings`."""

from functools import cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.cache import caches
from django.core.cache.backends.memcached import PyMemcacheCache
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import path

from apps.accounts.models import User
from bench.lib.bare_wsgi import stored


@cache
def body() -> bytes:
    return stored()[1]


class OpenMemcache(PyMemcacheCache):
    """Django's cache backend with connections that stay open after a request."""

    def close(self, **kwargs: Any) -> None:
        pass


class CachedUserBackend(ModelBackend):
    """Reads the user from memcached, as a pickled model; from PostgreSQL the first time."""

    def get_user(self, user_id: int) -> User | None:
        read = super().get_user
        return caches["floor"].get_or_set(f"user:{user_id}", lambda: read(user_id))


def page(request: HttpRequest) -> HttpResponse:
    """The bytes of a member's page, for members."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    return HttpResponse(body())


urlpatterns = [path("", page)]
