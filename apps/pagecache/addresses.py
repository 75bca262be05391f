"""Which pages are public, and what each is made of: said at its view, found by its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.urls import Resolver404, resolve

# Longer paths are nobody's page; they are not even looked up.
LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class PublicPage:
    """What a view says of its pages. ``keys`` may name arguments of its address: "user:{username}"."""

    keys: tuple[str, ...]
    query: Mapping[str, frozenset[str]]
    passing: frozenset[str]
    ttl: int


@dataclass(frozen=True, slots=True)
class Address:
    """One page: what is asked for, less what does not matter."""

    path: str
    query: str
    keys: tuple[str, ...] = field(compare=False)
    ttl: int = field(compare=False)

    @property
    def name(self) -> str:
        """No two have the same: a path that is printable has no line feed in it."""
        return f"{self.path}\n{self.query}"


def public_page[View: Callable[..., Any]](
    *keys: str,
    query: Mapping[str, tuple[str, ...]] | None = None,
    passing: tuple[str, ...] = ("before", "after"),
    ttl: int = 300,
) -> Callable[[View], View]:
    """Declares that a view shows the same page to everyone who is not signed in, so that it can be kept.

    ``keys`` are the surrogate keys by which it is purged, ``query`` the arguments that it knows, each with
    the values that differ from none: all others are dropped. With an argument that is ``passing`` it is a
    page of its own, made for each request and never kept. ``ttl`` is in seconds, 300 at most: it bounds how
    long a purge that was lost is missed.
    """
    if not 0 < ttl <= 300:
        raise ValueError("a public page is kept for 1 to 300 seconds")
    known = {name: frozenset(values) for name, values in (query or {}).items()}
    page = PublicPage(keys, known, frozenset(passing), ttl)

    def mark(view: View) -> View:
        view.public_page = page  # type: ignore[attr-defined]
        return view

    return mark


def address(path: str, query_string: str) -> Address | None:
    """The public page at ``path`` (decoded), or None where there is none, or where it is not to be kept."""
    if len(path) > LONGEST_PATH or (found := _page_at(path)) is None:
        return None
    page, keys = found
    arguments = dict(parse_qsl(query_string, keep_blank_values=True)) if query_string else {}
    if not page.passing.isdisjoint(arguments):
        return None
    known = [
        (name, arguments[name]) for name in sorted(page.query) if arguments.get(name) in page.query[name]
    ]
    return Address(path, urlencode(known), keys, page.ttl)


@lru_cache(maxsize=8192)
def _page_at(path: str) -> tuple[PublicPage, tuple[str, ...]] | None:
    try:
        match = resolve(path)
    except Resolver404:
        return None
    page: PublicPage | None = getattr(match.func, "public_page", None)
    if page is None:
        return None
    return page, tuple(key.format(**match.kwargs) for key in page.keys)
