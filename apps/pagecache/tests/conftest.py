"""A site of a few pages behind the page cache, as a WSGI server calls it."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import addresses, wrapped
from apps.pagecache.pages import Answer
from apps.pagecache.tests import urls
from apps.pagecache.wsgi import Application, called

OPTIONS = {
    "CACHE": "lookaside",
    "SITE_URL": "https://kwippy.example",
    "COOKIES": ["sessionid", "messages"],
    "RELEASE": "1",
}


class Visitor:
    """Asks the wrapped application, as a WSGI server would for a request over HTTPS."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def get(self, path: str, *, method: str = "GET", **environ: Any) -> Answer:
        path, _, query = path.partition("?")
        return called(self.application, {
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


def status(answer: Answer) -> str:
    """How the cache came to it: "hit", "fwd=miss", "" for an answer that is none of its own."""
    return dict(answer.headers).get("Cache-Status", "").removeprefix("pagecache; ")


@pytest.fixture
def visitor(settings: LazySettings, memcached: str) -> Iterator[Visitor]:
    settings.ROOT_URLCONF = "apps.pagecache.tests.urls"
    settings.MIDDLEWARE = ["kwippy.middleware.PrivateByDefaultMiddleware"]
    settings.ALLOWED_HOSTS = ["kwippy.example", "other.example", ".wild.example"]
    settings.PAGECACHE = dict(OPTIONS)
    urls.shown |= {"ann": "tea", "bob": "milk"}
    addresses._page_at.cache_clear()
    yield Visitor(wrapped(WSGIHandler()))
    addresses._page_at.cache_clear()
    urls.shown.clear()
    urls.made.clear()
    urls.hooks.clear()


def keep(visitor: Visitor, *paths: str) -> None:
    """Asks for each page often enough for it to be kept."""
    for path in paths:
        visitor.get(path)
        visitor.get(path)
        assert status(visitor.get(path)) == "hit", path
