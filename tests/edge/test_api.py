"""nginx in front of the API: all arguments and methods pass, nothing is stored, its own errors are JSON."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from apps.kwips import actions
from apps.kwips.models import TEXT_LIMIT
from apps.tokens.tests.conftest import token_of
from deploy.local.edge import Edge
from tests.support.edge import edge
from tests.support.http import Response, request
from tests.support.people import member
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

JSON = ("Content-Type", "application/json")


@pytest.fixture
def tokens(db: None) -> list[str]:
    """Of ann, who wrote two kwips, and of bob."""
    ann, bob = member("ann"), member("bob")
    for number in range(2):
        actions.publish(author=ann, text=f"kwip {number}", form_key=uuid.uuid4())
    return [token_of(ann), token_of(bob)]


@pytest.fixture
def site(tokens: list[str], memcached: str, tmp_path: Path) -> Iterator[Edge]:
    with (
        served(memcached=memcached, workers=1, patient=True) as port,
        edge(tmp_path / "edge", gunicorn=port) as nginx,
    ):
        yield nginx


def bearer(secret: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {secret}")


def texts(answer: Response) -> list[str]:
    assert answer.status == 200, answer.text
    return [kwip["text"] for kwip in json.loads(answer.body)]


def error_of(answer: Response) -> str:
    assert answer.headers["Content-Type"] == "application/json"
    return str(json.loads(answer.body)["error"])


def test_each_token_reads_its_own_network_and_nothing_is_stored(site: Edge, tokens: list[str]) -> None:
    ann, bob = tokens
    for _ in range(3):
        mine = request(site.port, "/api/network/?limit=1", bearer(ann))
        assert texts(mine) == ["kwip 1"]
        assert texts(request(site.port, "/api/network/?limit=1", bearer(bob))) == []
        assert request(site.port, "/api/network/?limit=1").status == 401
        assert mine.edge_cache == ""
        assert mine.headers["Cache-Control"] == "private, no-store"
        assert mine.headers["Vary"] == "Authorization"
        assert mine.headers["Set-Cookie"] is None
        assert mine.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    following = mine.headers["Link"].partition(">")[0].lstrip("<")
    found = urlsplit(following)
    assert texts(request(site.port, f"{found.path}?{found.query}", bearer(ann))) == ["kwip 0"]


def test_a_program_writes_the_longest_text_with_and_without_the_last_slash(
    site: Edge, tokens: list[str]
) -> None:
    body = json.dumps({"text": "😀" * TEXT_LIMIT}).encode()
    assert len(body) > 1_000_000
    sent = request(site.port, "/api/kwips", bearer(tokens[1]), JSON, method="POST", body=body)
    assert sent.status == 201
    assert sent.headers["Location"].startswith("http://localhost:8000/bob/kwip/")
    short = request(site.port, "/api/kwips/", bearer(tokens[1]), JSON, method="POST", body=b'{"text": "x"}')
    assert short.status == 201
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        refused = request(site.port, "/api/kwips/", bearer(tokens[1]), JSON, method=method, body=b"{}")
        assert refused.status == 405, method
        assert error_of(refused)


@pytest.mark.asvs("3.5.2")
def test_a_cookie_is_no_way_in(site: Edge) -> None:
    cookie = ("Cookie", "sessionid=x; csrftoken=y")
    for path, method in (("/api/network/", "GET"), ("/api/kwips/", "POST")):
        refused = request(site.port, path, cookie, JSON, method=method, body=b'{"text": "x"}')
        assert refused.status == 401
        assert error_of(refused)


def test_the_edges_own_errors_are_json_for_programs_and_pages_for_others(
    memcached: str, tokens: list[str], tmp_path: Path
) -> None:
    with served(memcached=memcached, workers=1, patient=True) as port:
        nginx = edge(tmp_path / "edge", gunicorn=port)
        site = nginx.__enter__()
    try:
        down = request(site.port, "/api/network/", bearer(tokens[0]))
        assert (down.status, down.headers["Retry-After"]) == (503, "30")
        assert "Try again" in error_of(down)
        large = request(site.port, "/api/kwips/", JSON, method="POST", body=b"x" * 3_200_000)
        assert large.status == 413
        assert "too large" in error_of(large)
        page = request(site.port, "/kwip/", method="POST", body=b"x" * 3_200_000)
        assert (page.status, page.headers["Content-Type"]) == (413, "text/html")
    finally:
        nginx.__exit__(None, None, None)
