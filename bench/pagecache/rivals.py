"""The six servers of one page, and the check that all of them send it."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.lib.bare_wsgi import store
from bench.lib.database import ROOT
from bench.lib.http import fetch
from bench.lib.servers import bare, production
from deploy.local.edge import Edge

PAGE = "/everyone/"
GZIP = {"Accept-Encoding": "gzip"}
DJANGO = "bench.pagecache.django_settings"
# The option by which a worker reuses generations for some milliseconds. Commits before it have no such rival.
REUSE = "PAGECACHE_GENERATIONS_TTL_MS"

type Places = dict[str, tuple[int, str]]


@contextmanager
def rivals(folder: Path) -> Iterator[Places]:
    """Runs all of them; yields the port and the path of each."""
    with ExitStack() as stack:
        ours = stack.enter_context(production(ready=PAGE)).port
        stock = production(ready=PAGE, variables={"DJANGO_SETTINGS_MODULE": DJANGO})
        for _ in range(3):
            page = fetch(ours, PAGE, GZIP)
        store(folder / "page", page.headers, page.body)
        edge = Edge(folder / "edge", gunicorn=ours)
        edge.start()
        stack.callback(edge.stop)
        put_page(edge.static, page.body)
        places = {
            "ours": (ours, PAGE),
            "Django's middleware": (stack.enter_context(stock).port, PAGE),
            "bare WSGI": (stack.enter_context(bare(folder / "page")).port, PAGE),
            "nginx: our page": (edge.port, PAGE),
            "nginx: a file": (edge.port, "/static/page.html"),
        }
        if REUSE in (ROOT / "docs" / "settings.md").read_text():
            reusing = production(ready=PAGE, variables={REUSE: "5"})
            places["ours, reusing generations"] = (stack.enter_context(reusing).port, PAGE)
        check_bytes(places, len(page.body))
        yield places


def put_page(folder: Path, body: bytes) -> None:
    """Writes the page as files: compressed as it is sent, and plain, which nginx wants beside it."""
    (folder / "page.html").write_bytes(gzip.decompress(body))
    (folder / "page.html.gz").write_bytes(body)


def check_bytes(places: Places, expected: int) -> None:
    """Raises SystemExit where a rival sends another page. Django's GZip adds up to 100 bytes."""
    for name, (port, path) in places.items():
        answer = fetch(port, path, GZIP)
        length = len(answer.body)
        if answer.status != 200 or abs(length - expected) > 0.03 * expected:
            raise SystemExit(
                f"bench: {name} answers {answer.status}, {length} bytes; expected 200, {expected}"
            )
