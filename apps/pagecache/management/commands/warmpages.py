"""`manage.py warmpages`: has the pages made that most will ask for, before they do."""

import io
import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application

from apps.pagecache import popular
from apps.pagecache.wsgi import WARM, called, wrapped


class Command(BaseCommand):
    help = (
        "Makes and keeps public pages, so that nobody waits for them: after a release, or an empty memcached."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", nargs="*", help="a path with its query; without any, the popular ones")

    def handle(self, *args: Any, address: list[str], **options: Any) -> None:
        if settings.PAGECACHE is None:
            raise CommandError("PAGECACHE is None: no page is kept.")
        addresses = address or list(dict.fromkeys(path for paths in popular for path in paths()))
        application = wrapped(get_wsgi_application())
        found: Counter[str] = Counter()
        for one in addresses:
            headers = dict(called(application, request(one)).headers)
            status = headers.get("Cache-Status", "no public page").removeprefix("pagecache; ")
            found[status] += 1
            if options["verbosity"] > 1:
                self.stdout.write(f"{one}: {status}")
        made, before, others = found["fwd=miss"], found["hit"], found["no public page"]
        self.stdout.write(f"{made} pages made, {before} kept already, {others} not public.")


def request(address: str) -> dict[str, Any]:
    """The request of a stranger for ``address``."""
    site, asked = urlsplit(settings.SITE_URL), urlsplit(address)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(asked.path).encode().decode("latin-1"),
        "QUERY_STRING": asked.query,
        "SERVER_NAME": site.hostname,
        "SERVER_PORT": str(site.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": site.netloc,
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        WARM: True,
    }
    if settings.SECURE_PROXY_SSL_HEADER and site.scheme == "https":
        header, value = settings.SECURE_PROXY_SSL_HEADER
        environ[header] = value
    return environ
