"""Public pages: their declaration at the view, and how a request's address leads to one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.urls import Resolver404, resolve

# A longer path is never a public page, and is not resolved here.
MAX_PATH = 300

# Functions that return addresses (paths with their query) for `manage.py warmpages`; an app adds its own in
# `AppConfig.ready`.
warm_paths: list[Callable[[], Iterable[str]]] = []


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A view's declaration. ``keys`` may contain arguments of its URL: "user:{username}"."""

    keys: tuple[str, ...]
    allowed_query: Mapping[str, frozenset[str]]
    uncached_query: frozenset[str]
    ttl: int
    may_shed: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """A public page's path and canonical query, with the surrogate keys and TTL that follow from them."""

    path: str
    query: str
    keys: tuple[str, ...] = field(compare=False)
    ttl: int = field(compare=False)
    may_shed: bool = field(compare=False, default=True)

    @property
    def name(self) -> str:
        """Unique: a printable path contains no line feed."""
        return f"{self.path}\n{self.query}"


def public_page[View: Callable[..., Any]](
    *keys: str,
    allowed_query: Mapping[str, tuple[str, ...]] | None = None,
    uncached_query: tuple[str, ...] = ("before", "after"),
    ttl: int = 300,
    may_shed: bool = True,
) -> Callable[[View], View]:
    """Declares that a view shows the same page to every anonymous visitor, so that it can be cached.

    ``keys`` are the surrogate keys that purge it. ``allowed_query`` are the query arguments that it reads,
    each with the values that change the page; all others are dropped. A request with an argument of
    ``uncached_query`` is never cached. ``ttl``, at most 300 seconds, bounds staleness after a failed purge.
    ``may_shed`` is False for a page that costs little and that overload must not take away (`shedding`).
    """
    if not 0 < ttl <= 300:
        raise ValueError("the ttl of a public page must be between 1 and 300 seconds")
    allowed = {name: frozenset(values) for name, values in (allowed_query or {}).items()}
    page = PublicPage(keys, allowed, frozenset(uncached_query), ttl, may_shed)

    def mark(view: View) -> View:
        view.public_page = page  # type: ignore[attr-defined]
        return view

    return mark


def resolve_address(path: str, query_string: str) -> Address | None:
    """The address of the public page at ``path`` (decoded), or None if there is none or it is not cached."""
    if len(path) > MAX_PATH or (found := _public_page_at(path)) is None:
        return None
    page, keys = found
    arguments = dict(parse_qsl(query_string, keep_blank_values=True)) if query_string else {}
    if not page.uncached_query.isdisjoint(arguments):
        return None
    query = [
        (name, arguments[name])
        for name in sorted(page.allowed_query)
        if arguments.get(name) in page.allowed_query[name]
    ]
    return Address(path, urlencode(query), keys, page.ttl, page.may_shed)


def sheddable(path: str) -> bool:
    """Whether there is a public page at ``path`` (decoded) that may be refused, with whatever arguments."""
    found = _public_page_at(path) if len(path) <= MAX_PATH else None
    return found is not None and found[0].may_shed


@lru_cache(maxsize=8192)
def _public_page_at(path: str) -> tuple[PublicPage, tuple[str, ...]] | None:
    try:
        match = resolve(path)
    except Resolver404:
        return None
    page: PublicPage | None = getattr(match.func, "public_page", None)
    if page is None:
        return None
    return page, tuple(key.format(**match.kwargs) for key in page.keys)
