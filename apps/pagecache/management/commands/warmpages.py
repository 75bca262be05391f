"""`manage.py warmpages`: renders and stores the most requested pages before visitors request them."""

import io
import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application

from apps.pagecache import warm_paths
from apps.pagecache.cacheable import Environ, forwarded_scheme
from apps.pagecache.wsgi import WARM, response_of, wrapped


class Command(BaseCommand):
    help = "Stores public pages in the page cache: after a release, or when memcached is empty."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", nargs="*", help="a path with its query; default: every warm path")

    def handle(self, *args: Any, address: list[str], **options: Any) -> None:
        addresses = address or list(dict.fromkeys(path for paths in warm_paths for path in paths()))
        application = wrapped(get_wsgi_application())
        counts: Counter[str] = Counter()
        for path in addresses:
            headers = dict(response_of(application, warming_request(path)).headers)
            status = headers.get("Cache-Status", "not public").removeprefix("pagecache; ")
            counts[status] += 1
            if options["verbosity"] > 1:
                self.stdout.write(f"{path}: {status}")
        rendered, cached, others = counts["fwd=miss"], counts["hit"], counts["not public"]
        self.stdout.write(f"{rendered} pages rendered, {cached} already cached, {others} not public.")


def warming_request(address: str) -> Environ:
    """An anonymous request for ``address`` that stores the page at once."""
    if settings.PAGECACHE is None:
        raise CommandError("The page cache is off (PAGECACHE is None).")
    site, page = urlsplit(settings.PAGECACHE["SITE_URL"]), urlsplit(address)
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(page.path).encode().decode("latin-1"),
        "QUERY_STRING": page.query,
        "SERVER_NAME": site.hostname,
        "SERVER_PORT": str(site.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": site.netloc,
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        WARM: True,
        **forwarded_scheme(site.scheme),
    }
