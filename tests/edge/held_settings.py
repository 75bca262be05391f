"""The site's settings with slow pages: those below `/held/…` of a permalink wait until the test lets them go.

A page is held while the file HELD_UNTIL is missing: every permalink, and for members `/about/`.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from kwippy.settings import *  # noqa: F403
from kwippy.settings import MIDDLEWARE as ALL

MIDDLEWARE = [*ALL, "tests.edge.held_settings.HoldingMiddleware"]
_UNTIL = Path(os.environ["HELD_UNTIL"])


class HoldingMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        while self._is_held(request) and not _UNTIL.exists():
            time.sleep(0.01)
        return self.get_response(request)

    def _is_held(self, request: HttpRequest) -> bool:
        return "/kwip/" in request.path or (request.path == "/about/" and bool(request.COOKIES))
