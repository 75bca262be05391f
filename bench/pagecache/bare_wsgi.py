"""A WSGI callable that only returns one page: the limit that gunicorn itself sets."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_folder = Path(os.environ["BENCH_PAGE"])
_headers = [(name, value) for name, value in json.loads((_folder / "headers.json").read_text())]
_body = (_folder / "page.html.gz").read_bytes()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", _headers)
    return [_body]
