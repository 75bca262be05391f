"""A WSGI callable that only returns one page: the limit that gunicorn itself sets.

`store` writes the page to the folder that BENCH_PAGE names.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

# What gunicorn adds itself.
_OF_GUNICORN = ("server", "date", "connection")


def store(folder: Path, headers: Sequence[tuple[str, str]], body: bytes) -> None:
    """Writes the page that `application` and other rivals serve."""
    folder.mkdir(exist_ok=True)
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_GUNICORN]
    (folder / "headers.json").write_text(json.dumps(kept))
    (folder / "body").write_bytes(body)


def stored() -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body of the page."""
    folder = Path(os.environ["BENCH_PAGE"])
    headers = [(name, value) for name, value in json.loads((folder / "headers.json").read_text())]
    return headers, (folder / "body").read_bytes()


_page: list[tuple[list[tuple[str, str]], bytes]] = []


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if not _page:
        _page.append(stored())
    headers, body = _page[0]
    start_response("200 OK", headers)
    return [body]
