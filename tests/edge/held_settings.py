"""The site with slow permalinks: each is held for HELD_SECONDS, or until the file HELD_UNTIL exists."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from kwippy.settings import *  # noqa: F403
from kwippy.settings import MIDDLEWARE as ALL

MIDDLEWARE = [*ALL, "tests.edge.held_settings.HoldingMiddleware"]
_UNTIL = Path(os.environ["HELD_UNTIL"])
_SECONDS = float(os.environ.get("HELD_SECONDS", "inf"))


class HoldingMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        until = time.monotonic() + _SECONDS
        while "/kwip/" in request.path[1:] and not _UNTIL.exists() and time.monotonic() < until:
            time.sleep(0.01)
        return self.get_response(request)
