"""Which responses are stored and served, and that nothing of one visitor is in them."""

import gzip
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import public_page, stats, wrapped
from apps.pagecache.tests.conftest import OPTIONS, Visitor, cache, status
from apps.pagecache.tests.urls import rendered, shown
from apps.pagecache.wsgi import WARM


def test_a_page_is_stored_on_its_second_request(visitor: Visitor) -> None:
    assert [status(visitor.get("/ann/")) for _ in range(4)] == ["fwd=miss", "fwd=miss", "hit", "hit"]
    assert rendered["/ann/"] == 2
    assert visitor.text("/ann/") == "<p>ann: tea</p>"


def test_a_warmed_page_is_stored_on_its_first_request(visitor: Visitor) -> None:
    warming: dict[str, Any] = {WARM: True}
    visitor.get("/ann/", **warming)
    assert status(visitor.get("/ann/")) == "hit"


def test_public_pages_are_public_and_all_others_private(visitor: Visitor) -> None:
    for _ in range(3):
        headers = dict(visitor.get("/ann/").headers)
        assert headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
        assert headers["Vary"] == "Accept-Encoding"
    for path in ("/private/", "/nobody/", "/ann/?before=x"):
        assert dict(visitor.get(path).headers)["Cache-Control"] == "private, no-store", path


NOT_CACHEABLE: list[dict[str, Any]] = [
    {"HTTP_COOKIE": "sessionid=x"},
    {"HTTP_COOKIE": "a=b;sessionid=x"},
    {"HTTP_COOKIE": "sessionid"},
    {"HTTP_COOKIE": "theme=dark; messages=hello"},
    {"HTTP_AUTHORIZATION": "Basic x"},
    {"HTTP_AUTHORIZATION": ""},
    {"HTTP_HX_REQUEST": "true"},
    {"method": "POST"},
    {"HTTP_HOST": "evil.example"},
    {"HTTP_HOST": "any.wild.example"},
    {"HTTP_HOST": "kwippy.example:x"},
    {"HTTP_HOST": ""},
    {"wsgi.url_scheme": "http"},
    {"SCRIPT_NAME": "/below"},
]


@pytest.mark.parametrize("added", NOT_CACHEABLE, ids=str)
def test_a_request_that_may_identify_a_visitor_goes_to_django_unchanged(
    visitor: Visitor, added: dict[str, Any]
) -> None:
    cache(visitor, "/ann/")
    before = stats().get("bypass", 0)
    response = visitor.get("/ann/", **added)
    assert status(response) == ""
    assert stats()["bypass"] == before + 1


HARMLESS: list[dict[str, Any]] = [
    {"HTTP_COOKIE": "theme=dark; csrftoken=abc; sessionidx=1; xsessionid=2"},
    {"HTTP_COOKIE": "; =; sess ionid=1"},
    {"HTTP_HOST": "KWIPPY.example"},
    {"HTTP_HOST": "kwippy.example:8443"},
    {"HTTP_HOST": "other.example"},
    {"HTTP_ACCEPT_LANGUAGE": "de"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"},
    {"HTTP_X_FORWARDED_FOR": "1.2.3.4"},
    {"HTTP_FORWARDED": "host=evil.example"},
    {"HTTP_X_ORIGINAL_URL": "/private/"},
    {"HTTP_X_REWRITE_URL": "/private/"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "POST"},
    {"HTTP_RANGE": "bytes=0-3"},
    {"CONTENT_TYPE": "text/plain; charset=utf-7"},
    {"REMOTE_USER": "ann"},
]


@pytest.mark.parametrize("harmless", HARMLESS, ids=str)
def test_what_a_visitor_adds_does_not_reach_django_or_the_cache(
    visitor: Visitor, harmless: dict[str, Any]
) -> None:
    attacked = visitor.get("/echo/", **harmless), visitor.get("/echo/", **harmless)
    clean = visitor.get("/echo/")
    assert status(clean) == "hit"
    assert attacked[0].body == attacked[1].body == clean.body
    assert b"https://kwippy.example/echo/" in clean.body
    assert b"203.0.113.9" not in clean.body
    for value in harmless.values():
        assert value.encode() not in clean.body or value in ("de", "ann")


def test_arguments_that_a_page_does_not_allow_are_dropped(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    for query in (
        "utm_source=x",
        "fbclid=1&a=b",
        "sort=",
        "sort=oldest",
        "sort",
        "&&",
        "%ff=%fe",
        "Sort=active",
    ):
        assert status(visitor.get(f"/ann/?{query}")) == "hit", query
    assert [path for path in rendered if path.startswith("/ann/")] == ["/ann/"]


def test_an_allowed_argument_makes_another_page(visitor: Visitor) -> None:
    cache(visitor, "/ann/", "/ann/?sort=active")
    assert set(rendered) == {"/ann/", "/ann/?sort=active"}
    assert status(visitor.get("/ann/?utm_x=1&sort=oldest&sort=active")) == "hit"


def test_a_page_with_a_cursor_is_never_cached(visitor: Visitor) -> None:
    for _ in range(3):
        assert status(visitor.get("/ann/?before=abc&sort=active")) == ""
    assert rendered["/ann/?before=abc&sort=active"] == 3


@pytest.mark.parametrize("how", ["cookie", "token", "nonce", "vary", "status", "large", "error"])
def test_a_response_for_one_visitor_is_not_stored(visitor: Visitor, how: str) -> None:
    responses = [visitor.get(f"/faulty/{how}/") for _ in range(4)]
    assert rendered[how] == 4
    assert "hit" not in map(status, responses)
    assert responses[0].body == responses[1].body or how == "large"
    if how != "large":
        assert all(dict(response.headers)["Cache-Control"] == "private, no-store" for response in responses)


def test_a_response_that_is_not_stored_releases_its_lease(visitor: Visitor) -> None:
    """The next request does not wait for a render that stored nothing."""
    from django.core.cache import caches

    visitor.get("/faulty/cookie/")
    looked: list[float] = []
    caches["lookaside"]._pause = looked.append  # type: ignore[attr-defined]
    try:
        visitor.get("/faulty/cookie/")
        visitor.get("/nobody/")
        visitor.get("/nobody/")
    finally:
        del caches["lookaside"]._pause  # type: ignore[attr-defined]
    assert looked == []


def test_head_is_get_without_the_body(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    got, head = visitor.get("/ann/"), visitor.get("/ann/", method="HEAD")
    assert status(head) == "hit"
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


def test_each_encoding_has_its_own_strong_etag(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    plain, zipped = visitor.get("/ann/"), visitor.get("/ann/", HTTP_ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(zipped.body) == plain.body
    assert dict(zipped.headers)["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in dict(plain.headers)
    tags = dict(plain.headers)["ETag"], dict(zipped.headers)["ETag"]
    assert tags[0] != tags[1]
    assert not any(tag.startswith("W/") for tag in tags)
    for response in (plain, zipped):
        assert dict(response.headers)["Content-Length"] == str(len(response.body))


@pytest.mark.parametrize(
    ("accept", "zipped"),
    [
        ("", False), ("gzip", True), ("GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0", False),
        ("identity", False), ("*", True), ("*;q=0", False), ("br, *;q=0.1", True), ("gzip;q=0, *", False),
        ("x-gzip", True), ("deflate, br", False), ("gzippy", False),
    ],
)  # fmt: skip
def test_a_page_is_compressed_if_the_visitor_accepts_that(
    visitor: Visitor, accept: str, zipped: bool
) -> None:
    cache(visitor, "/ann/")
    response = visitor.get("/ann/", HTTP_ACCEPT_ENCODING=accept)
    assert ("Content-Encoding" in dict(response.headers)) == zipped


def test_a_matching_etag_gets_a_304(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    tag = dict(visitor.get("/ann/").headers)["ETag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = visitor.get("/ann/", HTTP_IF_NONE_MATCH=said)
        assert response.status == "304 Not Modified", said
        assert response.body == b""
        assert dict(response.headers)["ETag"] == tag
    for said in ('"other"', tag.strip('"'), ""):
        assert visitor.get("/ann/", HTTP_IF_NONE_MATCH=said).status == "200 OK"
    shown["ann"] = "coffee"
    from apps.pagecache import purge

    purge(["user:ann"])
    assert visitor.get("/ann/", HTTP_IF_NONE_MATCH=tag).body == b"<p>ann: coffee</p>"


def test_paths_that_are_not_text_or_too_long_are_passed_to_django(visitor: Visitor) -> None:
    for path in ("/\xff/", "/" + "a" * 400 + "/", "/a\r\nb/", "//ann/", "/ann/;x", "/ann/index.css", ""):
        assert status(visitor.get(path)) == "", path


def test_another_release_does_not_share_pages(visitor: Visitor, settings: LazySettings) -> None:
    cache(visitor, "/ann/")
    settings.PAGECACHE = OPTIONS | {"RELEASE": "2"}
    assert status(Visitor(wrapped(WSGIHandler())).get("/ann/")) == "fwd=miss"


def test_switched_off_the_application_is_django(visitor: Visitor, settings: LazySettings) -> None:
    from apps.pagecache import purge

    settings.PAGECACHE = None
    django = WSGIHandler()
    assert wrapped(django) is django
    assert purge(["user:ann"]) == []


def test_a_ttl_is_at_most_five_minutes() -> None:
    for ttl in (0, 301):
        with pytest.raises(ValueError, match="300"):
            public_page("a", ttl=ttl)
