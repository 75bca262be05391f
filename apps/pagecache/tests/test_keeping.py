"""Pages are kept for those who may see them, and nothing of anybody's is in them."""

import gzip
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import public_page, stats, wrapped
from apps.pagecache.tests.conftest import OPTIONS, Visitor, keep, status
from apps.pagecache.tests.urls import made, shown
from apps.pagecache.wsgi import WARM


def test_a_page_is_kept_when_it_is_asked_for_a_second_time(visitor: Visitor) -> None:
    assert [status(visitor.get("/ann/")) for _ in range(4)] == ["fwd=miss", "fwd=miss", "hit", "hit"]
    assert made["/ann/"] == 2
    assert visitor.text("/ann/") == "<p>ann: tea</p>"


def test_a_page_can_be_kept_before_anybody_asks(visitor: Visitor) -> None:
    warming: dict[str, Any] = {WARM: True}
    visitor.get("/ann/", **warming)
    assert status(visitor.get("/ann/")) == "hit"


def test_what_is_kept_is_said_to_be_for_everyone_and_what_is_not_for_nobody_else(visitor: Visitor) -> None:
    for _ in range(3):
        headers = dict(visitor.get("/ann/").headers)
        assert headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
        assert headers["Vary"] == "Accept-Encoding"
    for path in ("/private/", "/nobody/", "/ann/?before=x"):
        assert dict(visitor.get(path).headers)["Cache-Control"] == "private, no-store", path


STRANGE: list[dict[str, Any]] = [
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


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_a_request_that_is_not_a_strangers_goes_to_django_untouched(
    visitor: Visitor, strange: dict[str, Any]
) -> None:
    keep(visitor, "/ann/")
    before = stats.counts().get("passed", 0)
    answer = visitor.get("/ann/", **strange)
    assert status(answer) == ""
    assert stats.counts()["passed"] == before + 1


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
def test_what_a_stranger_adds_is_neither_seen_nor_kept(visitor: Visitor, harmless: dict[str, Any]) -> None:
    attacked = visitor.get("/echo/", **harmless), visitor.get("/echo/", **harmless)
    clean = visitor.get("/echo/")
    assert status(clean) == "hit"
    assert attacked[0].body == attacked[1].body == clean.body
    assert b"https://kwippy.example/echo/" in clean.body
    assert b"203.0.113.9" not in clean.body
    for value in harmless.values():
        assert value.encode() not in clean.body or value in ("de", "ann")


def test_arguments_that_a_page_does_not_know_are_dropped(visitor: Visitor) -> None:
    keep(visitor, "/ann/")
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
    assert [path for path in made if path.startswith("/ann/")] == ["/ann/"]


def test_arguments_that_it_knows_make_another_page(visitor: Visitor) -> None:
    keep(visitor, "/ann/", "/ann/?sort=active")
    assert set(made) == {"/ann/", "/ann/?sort=active"}
    assert status(visitor.get("/ann/?utm_x=1&sort=oldest&sort=active")) == "hit"


def test_a_page_with_a_cursor_is_made_each_time(visitor: Visitor) -> None:
    for _ in range(3):
        assert status(visitor.get("/ann/?before=abc&sort=active")) == ""
    assert made["/ann/?before=abc&sort=active"] == 3


@pytest.mark.parametrize("how", ["cookie", "token", "nonce", "vary", "status", "large", "error"])
def test_what_is_no_page_for_everyone_is_not_kept(visitor: Visitor, how: str) -> None:
    answers = [visitor.get(f"/faulty/{how}/") for _ in range(4)]
    assert made[how] == 4
    assert "hit" not in map(status, answers)
    assert answers[0].body == answers[1].body or how == "large"
    if how != "large":
        assert all(dict(answer.headers)["Cache-Control"] == "private, no-store" for answer in answers)


def test_a_page_that_was_not_kept_holds_nobody_up(visitor: Visitor) -> None:
    """The lease is given back: the next one does not wait for a render that came to nothing."""
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
    keep(visitor, "/ann/")
    got, head = visitor.get("/ann/"), visitor.get("/ann/", method="HEAD")
    assert status(head) == "hit"
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


def test_each_encoding_has_its_own_strong_etag(visitor: Visitor) -> None:
    keep(visitor, "/ann/")
    plain, zipped = visitor.get("/ann/"), visitor.get("/ann/", HTTP_ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(zipped.body) == plain.body
    assert dict(zipped.headers)["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in dict(plain.headers)
    tags = dict(plain.headers)["ETag"], dict(zipped.headers)["ETag"]
    assert tags[0] != tags[1]
    assert not any(tag.startswith("W/") for tag in tags)
    for answer in (plain, zipped):
        assert dict(answer.headers)["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize(
    ("accept", "zipped"),
    [
        ("", False), ("gzip", True), ("GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0", False),
        ("identity", False), ("*", True), ("*;q=0", False), ("br, *;q=0.1", True), ("gzip;q=0, *", False),
        ("x-gzip", True), ("deflate, br", False), ("gzippy", False),
    ],
)  # fmt: skip
def test_it_is_compressed_for_whoever_accepts_that(visitor: Visitor, accept: str, zipped: bool) -> None:
    keep(visitor, "/ann/")
    answer = visitor.get("/ann/", HTTP_ACCEPT_ENCODING=accept)
    assert ("Content-Encoding" in dict(answer.headers)) == zipped


def test_who_has_the_page_is_not_sent_it_again(visitor: Visitor) -> None:
    keep(visitor, "/ann/")
    tag = dict(visitor.get("/ann/").headers)["ETag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = visitor.get("/ann/", HTTP_IF_NONE_MATCH=said)
        assert answer.status == "304 Not Modified", said
        assert answer.body == b""
        assert dict(answer.headers)["ETag"] == tag
    for said in ('"other"', tag.strip('"'), ""):
        assert visitor.get("/ann/", HTTP_IF_NONE_MATCH=said).status == "200 OK"
    shown["ann"] = "coffee"
    from apps.pagecache import purge

    purge(["user:ann"])
    assert visitor.get("/ann/", HTTP_IF_NONE_MATCH=tag).body == b"<p>ann: coffee</p>"


def test_paths_that_are_no_text_or_too_long_are_django_s(visitor: Visitor) -> None:
    for path in ("/\xff/", "/" + "a" * 400 + "/", "/a\r\nb/", "//ann/", "/ann/;x", "/ann/index.css", ""):
        assert status(visitor.get(path)) == "", path


def test_another_release_sees_none_of_the_last_ones_pages(visitor: Visitor, settings: LazySettings) -> None:
    keep(visitor, "/ann/")
    settings.PAGECACHE = OPTIONS | {"RELEASE": "2"}
    assert status(Visitor(wrapped(WSGIHandler())).get("/ann/")) == "fwd=miss"


def test_switched_off_it_is_django_alone(visitor: Visitor, settings: LazySettings) -> None:
    from apps.pagecache import purge

    settings.PAGECACHE = None
    django = WSGIHandler()
    assert wrapped(django) is django
    assert purge(["user:ann"]) == []


def test_a_page_can_be_declared_for_five_minutes_at_most() -> None:
    for ttl in (0, 301):
        with pytest.raises(ValueError, match="300"):
            public_page("a", ttl=ttl)
