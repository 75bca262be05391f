"""A small site behind the page cache, called as a WSGI server calls it."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import addresses, wrapped
from apps.pagecache.responses import Response
from apps.pagecache.tests import urls
from apps.pagecache.wsgi import Application, response_of

OPTIONS = {
    "CACHE": "lookaside",
    "SITE_URL": "https://kwippy.example",
    "COOKIES": ["sessionid", "messages"],
    "RELEASE": "1",
}


class Visitor:
    """Sends requests to the wrapped application, as a WSGI server does for HTTPS."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def get(self, path: str, *, method: str = "GET", **environ: Any) -> Response:
        path, _, query = path.partition("?")
        return response_of(self.application, {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "10.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "kwippy.example",
            "REMOTE_ADDR": "203.0.113.9",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            **environ,
        })  # fmt: skip

    def text(self, path: str, **environ: Any) -> str:
        return self.get(path, **environ).body.decode()


def status(response: Response) -> str:
    """The result in `Cache-Status`: "hit", "fwd=miss", or "" if the page cache did not respond."""
    return dict(response.headers).get("Cache-Status", "").removeprefix("pagecache; ")


@pytest.fixture
def visitor(settings: LazySettings, memcached: str) -> Iterator[Visitor]:
    settings.ROOT_URLCONF = "apps.pagecache.tests.urls"
    settings.MIDDLEWARE = ["apps.pagecache.tests.urls.private_by_default"]
    settings.ALLOWED_HOSTS = ["kwippy.example", "other.example", ".wild.example"]
    settings.PAGECACHE = dict(OPTIONS)
    urls.shown |= {"ann": "tea", "bob": "milk"}
    addresses._public_page_at.cache_clear()
    yield Visitor(wrapped(WSGIHandler()))
    addresses._public_page_at.cache_clear()
    urls.shown.clear()
    urls.rendered.clear()
    urls.hooks.clear()


def cache(visitor: Visitor, *paths: str) -> None:
    """Requests each page until it is cached."""
    for path in paths:
        visitor.get(path)
        visitor.get(path)
        assert status(visitor.get(path)) == "hit", path
