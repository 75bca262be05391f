"""The site behind the page cache of a process."""

import gzip
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import wrapped
from apps.pagecache.wsgi import response_of


@pytest.fixture
def cached_site() -> Callable[[str], str]:
    """A function that returns the page at a path, as an anonymous visitor gets it."""
    application = wrapped(WSGIHandler())

    def get(path: str) -> str:
        from django.test import RequestFactory

        environ = RequestFactory(HTTP_HOST=settings.SITE_URL.partition("://")[2]).get(path).environ
        response = response_of(application, environ)
        body = response.body
        return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()

    return get
