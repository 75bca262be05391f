"""nginx in front of the site: it caches public pages for a second, and no page of one visitor."""

import gzip
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.kwips import actions
from deploy.local.edge import Edge
from tests.support.edge import edge
from tests.support.http import Member, Response, request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

GZIP = ("Accept-Encoding", "gzip")


@pytest.fixture
def site(memcached: str, tmp_path: Path) -> Iterator[Edge]:
    ann = User.objects.create_user("ann", "ann@example.org")
    bob = User.objects.create_user("bob", "bob@example.org")
    first = actions.publish(author=ann, text="the first", form_key=uuid.uuid4()).kwip
    actions.publish(author=ann, text="the second", form_key=uuid.uuid4())
    actions.comment(author=bob, thread=first, text="first again", form_key=uuid.uuid4())
    with (
        served(memcached=memcached, workers=1, patient=True) as port,
        edge(tmp_path / "edge", gunicorn=port) as nginx,
    ):
        yield nginx


# nginx's `X-Cache` for a page that has an entry, fresh or stale. "MISS" is a page without one.
HAS_AN_ENTRY = {"HIT", "EXPIRED", "STALE"}


def cached(port: int, path: str, *headers: tuple[str, str], method: str = "GET") -> Response:
    """A hit of the edge's cache: repeats the request until the entry, fresh for a second, is."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        response = request(port, path, *headers, method=method)
        assert response.edge_cache in HAS_AN_ENTRY, (path, headers, response.edge_cache)
        if response.edge_cache == "HIT":
            return response
    raise TimeoutError(f"{path} was never a hit")


def test_the_edge_serves_a_page_as_the_site_rendered_it(site: Edge) -> None:
    rendered = request(site.port, "/everyone/", GZIP)
    assert rendered.edge_cache == "MISS"
    zipped = cached(site.port, "/everyone/", GZIP)
    assert zipped.body == rendered.body
    for response in (rendered, zipped):
        assert response.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    # One entry serves clients with and without gzip.
    plain = cached(site.port, "/everyone/")
    assert plain.headers["Content-Encoding"] is None
    assert plain.body == gzip.decompress(zipped.body)
    assert "Accept-Encoding" in plain.headers["Vary"]
    for answer, *accepts in ((zipped, GZIP), (plain,)):
        again = request(site.port, "/everyone/", ("If-None-Match", answer.headers["ETag"]), *accepts)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", zipped.headers["ETag"])
    other = request(site.port, "/everyone/", ("If-None-Match", '"another"'))
    assert (other.status, other.text) == (200, plain.text)
    head = cached(site.port, "/everyone/", GZIP, method="HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(zipped.body)))


def test_what_a_visitor_adds_to_an_address_creates_no_other_entry(site: Edge) -> None:
    plain = request(site.port, "/everyone/")
    for added in (
        "?utm_source=x",
        "?%73ort=active",
        "?sort=",
        "?sort=latest",
        "?SORT=active",
        "?x=sort=active",
    ):
        assert cached(site.port, f"/everyone/{added}").text == plain.text, added
    for spelled in ("/%65veryone/", "//everyone/", "/x/../everyone/"):
        assert cached(site.port, spelled).text == plain.text, spelled
    sorted_ = request(site.port, "/everyone/?sort=active")
    assert sorted_.edge_cache == "MISS"
    assert sorted_.text.index("the first") < sorted_.text.index("the second")
    assert plain.text.index("the second") < plain.text.index("the first")
    for added in (
        "?a=b&sort=active",
        "?sort=active&sort=x",
        "?sort=x&sort=active",
        "?sort=active&%62efore=1",
    ):
        assert cached(site.port, f"/everyone/{added}").text == sorted_.text, added


def test_an_odd_spelling_does_not_change_the_page_for_the_next_visitor(site: Edge) -> None:
    for odd, plain in (
        ("/everyone/?sort=x&%73ort=active", "/everyone/"),
        ("/ann/?%73ort=active", "/ann/"),
        ("/%3Fsort=active", "/"),
    ):
        request(site.port, odd)
        found = request(site.port, plain).text
        assert found.index("the second") < found.index("the first"), odd


def test_arguments_of_uncached_pages_reach_the_site(site: Edge) -> None:
    request(site.port, "/everyone/")
    paged = request(site.port, "/everyone/?before=1")
    assert (paged.edge_cache, paged.headers["Cache-Control"]) == ("BYPASS", "private, no-store")
    assert 'value="/settings/"' in request(site.port, "/accounts/login/?next=/settings/").text
    # All arguments of a request with a session cookie, also of an expired session.
    sent = request(site.port, "/settings/?x=1&%61=2", ("Cookie", "sessionid=x"))
    assert sent.headers["Location"] == "/accounts/login/?next=/settings/%3Fx%3D1%26%2561%3D2"


def test_members_and_anonymous_visitors_in_turn_each_get_their_own_page(site: Edge) -> None:
    ann = Member(site.port, User.objects.get(username="ann"))
    gone = Member(site.port, User.objects.get(username="bob"))
    gone.post("/accounts/logout/")
    for path in ("/", "/everyone/", "/ann/", "/about/"):
        for turn in range(3):
            mine = ann.get(path)
            assert 'data-viewer="ann"' in mine.text, (path, turn)
            assert mine.headers["Cache-Control"].startswith("private, no-")
            assert mine.headers["X-Cache"] == "BYPASS"
            assert "data-viewer" not in request(site.port, path).text, (path, turn)
            # A cookie of a session that ended, and one that never was a session.
            assert gone.get(path).headers["X-Cache"] == "BYPASS"
            assert "data-viewer" not in request(site.port, path, ("Cookie", "sessionid=x")).text


def test_a_request_that_may_identify_a_visitor_bypasses_the_cache(site: Edge) -> None:
    request(site.port, "/about/")
    for name, value in (
        ("Cookie", "sessionid=x"),
        ("Cookie", "theme=dark;__Host-sessionid=x"),
        ("Cookie", "theme=dark; messages=x"),
        ("Cookie", "a=b;\tsessionid =x"),
        ("Cookie", "a=b,sessionid=x"),
        ("Authorization", "Bearer x"),
        ("Authorization", "0"),
        ("HX-Request", "true"),
        ("HX-Boosted", "true"),
    ):
        response = request(site.port, "/about/", (name, value))
        assert (response.edge_cache, response.status) == ("BYPASS", 200), (name, value)
    two = request(site.port, "/about/", ("Cookie", "theme=dark"), ("Cookie", "sessionid=x"))
    assert two.edge_cache == "BYPASS"
    for name, value in (
        ("Cookie", "theme=dark; csrftoken=x; mysessionid=x; session=x; sessionids=x"),
        ("Cookie", "junk"),
        ("Authorization", ""),
        ("HX-Request", ""),
    ):
        assert cached(site.port, "/about/", (name, value)).status == 200


def test_only_responses_that_the_site_declared_cacheable_are_stored(site: Edge) -> None:
    for path in ("/nobody/", "/accounts/login/", "/readyz", "/ann/favourites/", "/nothing/here/"):
        assert {request(site.port, path).edge_cache for _ in range(3)} == {"MISS"}, path
    assert request(site.port, "/about/", method="POST").edge_cache == ""


@pytest.mark.asvs("3.2.1", "5.3.1", "13.4.3")
def test_the_edge_serves_files_and_those_with_a_hash_in_their_name_are_immutable(
    site: Edge,
) -> None:
    for name, text in (("base.0123456789ab.css", b"body {}"), ("base.css", b"body {}"), ("a.webp", b"tea")):
        folder = site.media if name == "a.webp" else site.static
        (folder / name).write_bytes(text)
    (site.static / "base.0123456789ab.css.gz").write_bytes(gzip.compress(b"body {}"))
    hashed = request(site.port, "/static/base.0123456789ab.css", GZIP)
    assert (hashed.status, hashed.text, hashed.headers["Content-Encoding"]) == (200, "body {}", "gzip")
    assert hashed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert request(site.port, "/static/base.0123456789ab.css").body == b"body {}"
    assert request(site.port, "/static/base.css").headers["Cache-Control"] == "no-cache"
    picture = request(site.port, "/media/a.webp")
    assert (picture.body, picture.headers["X-Content-Type-Options"]) == (b"tea", "nosniff")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert request(site.port, "/static/nothing.css").status == 404
    assert request(site.port, "/static/../nginx.conf").status == 404
