"""No interleaving of readers and writers serves a page that was purged before the request.

The page cache and the look-aside cache are the real ones. memcached is a model, as in the explorer of the
look-aside cache, with one key for the generation and one for each page.
"""

import gzip
import os
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from apps.lookaside import values
from apps.lookaside.backends import Lookaside
from apps.lookaside.stores import Answer as Stored
from apps.lookaside.stores import Fill, Lease
from apps.lookaside.tests.explorer import Stale, explore
from apps.lookaside.tests.model import Do, Model, ScheduledStore, Step
from apps.pagecache import surrogate, wsgi
from apps.pagecache.addresses import Address
from apps.pagecache.cacheable import Environ, Site
from apps.pagecache.responses import Page, Response
from apps.pagecache.surrogate import generation_key
from apps.pagecache.wsgi import WARM, PageCache, StartResponse


class Keys(NamedTuple):
    """Several keys of one memcached, each a model of its own, and the row behind the page."""

    version: int = 0
    finished: int = 0
    drawn: int = 0
    keys: tuple[tuple[bytes, Model], ...] = ()

    def after(self, step: Step) -> tuple["Keys", Any]:
        match step.name:
            case "read":
                return self, self.version
            case "commit":
                return self._replace(version=self.version + 1), self.version + 1
            case "draw":
                return self._replace(drawn=self.drawn + 1), f"t{self.drawn + 1}"
        of = step.arguments[0]
        key = of.lease.key if isinstance(of, Fill) else of.key if isinstance(of, Lease) else of
        model, answer = self._model(key).after(step)
        return self._with(key, model), answer

    def accidents(self) -> Iterator[tuple[str, "Keys"]]:
        for key, model in self.keys:
            for label, after in model.accidents():
                if label != "restarted":
                    yield label, self._with(key, after)
        yield (
            "restarted",
            self._replace(
                keys=tuple((key, dict(model.accidents())["restarted"]) for key, model in self.keys)
            ),
        )

    @property
    def sent(self) -> tuple[Fill, ...]:
        return tuple(fill for _, model in self.keys for fill in model.sent)

    def fingerprint(self) -> object:
        items = tuple((key, repr(model.item and model.item[1:])) for key, model in self.keys)
        return self.version, self.finished, self.drawn, items

    def canonical(self, thing: Any) -> Any:
        if isinstance(thing, Stored):
            return thing.entry, thing.lease and self.canonical(thing.lease)
        if isinstance(thing, Fill):
            return thing.entry, self.canonical(thing.lease)
        return (thing.key, self._model(thing.key).holds(thing)) if isinstance(thing, Lease) else thing

    def _model(self, key: bytes) -> Model:
        return dict(self.keys).get(key, Model())

    def _with(self, key: bytes, model: Model) -> "Keys":
        keys = {**dict(self.keys), key: model}
        return self._replace(keys=tuple(sorted(keys.items(), key=lambda item: item[0])))


class ScheduledLookaside(Lookaside):
    waits = (0.0,)

    def __init__(self) -> None:
        super().__init__({})


CACHE = ScheduledLookaside()
ADDRESS = Address("/ann/", "", ("user:ann",), 300)
# Not a page: the request deletes the generation that it created.
NOT_FOUND = Address("/ann/nothing/", "", ("user:ann",), 300)


class ScheduledPages(PageCache):
    """The real page cache; the application that it wraps reads one row."""

    def __init__(self, do: Do) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            found = environ["PATH_INFO"] == ADDRESS.path
            start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
            return [str(do("read")).encode()]

        site = Site(site_url="https://kwippy.example", hosts=["kwippy.example"], cookies=[])
        super().__init__(application, cache="", site=site, release="1")

    @property
    def _cache(self) -> Any:
        return CACHE


@pytest.fixture(autouse=True)
def nothing_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "time", SimpleNamespace(time=lambda: 0.0))
    monkeypatch.setattr(CACHE, "_jittered", lambda ttl: ttl)
    monkeypatch.setattr(CACHE, "_pause", lambda seconds: None)
    monkeypatch.setattr(wsgi, "WAITS", (0.0,))
    monkeypatch.setattr(wsgi, "time", lambda: 0.0)
    monkeypatch.setattr(
        surrogate,
        "_new_tokens",
        lambda names: {name: CACHE.store.do("draw") for name in names},  # type: ignore[attr-defined]
    )


def reader(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    rendered, _ = ScheduledPages(do)._get_or_render(ADDRESS, {WARM: True})
    assert isinstance(rendered, Page)
    return int(gzip.decompress(rendered.gzipped))


def lost_reader(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    rendered, _ = ScheduledPages(do)._get_or_render(NOT_FOUND, {WARM: True})
    assert isinstance(rendered, Response)
    return int(rendered.body)


def writer(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    version = int(do("commit"))
    assert CACHE.invalidate([generation_key("user:ann")]) == []
    return version


SIZES = [(1, 1, 2), (2, 1, 1), (1, 2, 2), (2, 2, 0)]
if os.environ.get("TORTURE"):  # a few minutes
    SIZES += [(2, 1, 2), (2, 2, 1), (3, 1, 1)]


@pytest.mark.parametrize(("readers", "writers", "accidents"), SIZES)
def test_no_interleaving_of_readers_writers_and_accidents_shows_an_old_page(
    readers: int, writers: int, accidents: int
) -> None:
    seen = explore(
        readers=[reader] * readers,
        writers=[writer] * writers,
        accidents=accidents,
        model=Keys(),  # type: ignore[arg-type]
    )
    assert seen > 50


@pytest.mark.parametrize(("lost", "accidents"), [(1, 1), (2, 0)])
def test_no_interleaving_with_readers_of_no_page_shows_an_old_page(lost: int, accidents: int) -> None:
    seen = explore(
        readers=[reader] + [lost_reader] * lost,
        writers=[writer],
        accidents=accidents,
        model=Keys(),  # type: ignore[arg-type]
    )
    assert seen > 50


def late_reader(do: Do) -> int:
    """Reads the generation after the page."""
    CACHE.store = ScheduledStore(do)
    version = do("read")
    generation = CACHE.get_or_compute("generation", lambda: do("draw"))
    return int(CACHE.get_or_compute(f"page:{generation}", lambda: version))


def late_writer(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    version = int(do("commit"))
    CACHE.invalidate(["generation"])
    return version


def counting_reader(do: Do) -> int:
    """Creates each missing generation as 1, as a counter does after an eviction."""
    CACHE.store = ScheduledStore(do)
    generation = CACHE.get_or_compute("generation", lambda: 1)
    return int(CACHE.get_or_compute(f"page:{generation}", lambda: do("read")))


def hasty_writer(do: Do) -> int:
    """Purges before its commit."""
    CACHE.store = ScheduledStore(do)
    CACHE.invalidate([generation_key("user:ann")])
    return int(do("commit"))


@pytest.mark.parametrize(
    ("reads", "writes"),
    [(late_reader, late_writer), (counting_reader, late_writer), (reader, hasty_writer)],
    ids=["generations after the page", "generations that count", "purges before the commit"],
)
def test_it_finds_what_is_wrong_with_other_ways(reads: Any, writes: Any) -> None:
    with pytest.raises(Stale, match="was finished when it began"):
        explore(readers=[reads] * 2, writers=[writes], model=Keys())  # type: ignore[arg-type]
