"""nginx's configuration: public.conf is generated, and no other file names anything of the product."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path

from apps.pagecache import public_page
from apps.pagecache.addresses import sheddable
from deploy.local.edge import FILES, MAIN
from kwippy import edge

# What nginx serves from its own disk, and paths that it names for its own purposes.
OWN_PATHS = {"static", "media", ".well-known"}


def configuration() -> dict[Path, str]:
    """Every file of nginx's configuration but the generated one, without its comments."""
    files = [MAIN, *(file for file in FILES.glob("*.conf") if file != edge.FILE)]
    assert len(files) > 4
    return {file: re.sub(r"(?m)^\s*#.*$", "", file.read_text()) for file in files}


def first_segments(resolver: URLResolver) -> Iterator[str]:
    """The literal first segment of every URL: "kwip" of "kwip/<int:id>/edit/"."""
    for pattern in resolver.url_patterns:
        segment = re.match(r"[\w.-]*", str(pattern.pattern).lstrip("^"))
        if segment and segment[0]:
            yield segment[0]
        elif isinstance(pattern, URLResolver):
            yield from first_segments(pattern)


def test_the_generated_file_is_what_the_site_declares() -> None:
    assert edge.FILE.read_text() == edge.public_conf(), "run `PAGECACHE=on manage.py edgeconf`"


def test_no_other_file_names_a_path_of_the_product() -> None:
    segments = set(first_segments(get_resolver())) - OWN_PATHS
    assert {"kwip", "settings", "accounts", "everyone", "metrics"} <= segments
    for file, text in configuration().items():
        found = [segment for segment in segments if re.search(rf"/{re.escape(segment)}(?![\w.-])", text)]
        assert found == [], file


def test_no_other_file_names_an_argument_or_a_cookie_of_the_product(settings: LazySettings) -> None:
    pages = [page for _, page in edge.public_pages(get_resolver())]
    assert len(pages) > 5
    assert settings.PAGECACHE is not None
    names = {*edge.OTHER_QUERY, *settings.PAGECACHE["COOKIES"]}
    for page in pages:
        names |= {*page.uncached_query, *page.allowed_query}
    assert {"sort", "before", "after", "next", "sessionid"} <= names
    for file, text in configuration().items():
        found = [name for name in names if re.search(rf"(?<![\w$-]){name}[=|)]", text)]
        assert found == [], file


MANY = ("/ann/", "/ann/kwip/12/", "/ann/kwip/-1/part/", "/tag/tea/", "/ann/feed.atom", "/sitemap-kwips-0.xml")
FEW = ("/", "/everyone/feed.atom", "/accounts/login/", "/livez", "/robots.txt", "/contact/", "/ann/follow/")


def test_pages_of_which_there_are_many_are_told_from_others() -> None:
    """As nginx does: the first expression that matches."""
    table = edge.FILE.read_text().split("$one_of_many {")[1].split("}\n")[0]
    entries = re.findall(r'"~(.+)" (?:""|(yes));', table)
    assert entries[0][1] == ""

    def is_one_of_many(path: str) -> bool:
        return next((value for pattern, value in entries if re.search(pattern, path)), "") == "yes"

    assert [path for path in MANY if not is_one_of_many(path)] == []
    assert [path for path in FEW if is_one_of_many(path)] == []
    # Of all addresses without an argument none is, and of all that are each may be refused.
    fixed = [
        pattern[1:-1].replace("\\", "") for pattern, _ in edge.urls(get_resolver()) if "(" not in pattern
    ]
    assert len(fixed) > 100
    assert [path for path in fixed if is_one_of_many(path)] == []
    assert all(sheddable(path) for path in MANY)


@public_page("one", allowed_query={"color": ("red", "green")}, uncached_query=("from",))
def colored(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@public_page("two", allowed_query={"size": ("large",)})
def sized(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@public_page("three", allowed_query={"color": ("a b",)})
def unspeakable(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def conf_of(monkeypatch: pytest.MonkeyPatch, *patterns: URLPattern) -> str:
    pages = [("^/$", pattern.callback.public_page) for pattern in patterns]  # type: ignore[attr-defined]
    monkeypatch.setattr(edge, "public_pages", lambda resolver: iter(pages))
    return edge.public_conf()


def test_a_declaration_of_a_public_page_reaches_the_generated_file(monkeypatch: pytest.MonkeyPatch) -> None:
    conf = conf_of(monkeypatch, path("", colored))
    assert '"~(?:^|&)color=red(?:&|$)" color=red;' in conf
    assert '"~(?:^|&)color=green(?:&|$)" color=green;' in conf
    assert "(?:email|from|next|page|process|q)=" in conf


def test_a_declaration_that_nginx_cannot_express_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="only one name"):
        conf_of(monkeypatch, path("", colored), path("", sized))
    with pytest.raises(ValueError, match="a b"):
        conf_of(monkeypatch, path("", unspeakable))
