"""The real page cache over a model of memcached, in which the generation and each page are a key each."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from apps.lookaside import marks as marking
from apps.lookaside import values
from apps.lookaside.backends import Lookaside
from apps.lookaside.marks import Seen
from apps.lookaside.stores import Answer as Stored
from apps.lookaside.stores import Fill, Lease
from apps.lookaside.tests.model import Do, Model, ScheduledStore, Step
from apps.pagecache import coalescing, surrogate, wsgi
from apps.pagecache.addresses import Address
from apps.pagecache.cacheable import Environ, Site
from apps.pagecache.coalescing import CoalescedRenders
from apps.pagecache.responses import Page
from apps.pagecache.surrogate import generation_key
from apps.pagecache.wsgi import WARM, PageCache, StartResponse


class Process(NamedTuple):
    """What the requests of one process share: a clock, a lock for renders, and the last render."""

    clock: int = 0
    is_locked: bool = False
    last: tuple[int, bytes] = (0, b"")


class Keys(NamedTuple):
    """Several keys of one memcached, each a model of its own, the process, and the row behind the page.

    ``is_strict``: a version counts as finished with its COMMIT, without the invalidation that follows.
    """

    version: int = 0
    finished: int = 0
    drawn: int = 0
    keys: tuple[tuple[bytes, Model], ...] = ()
    process: Process = Process()
    is_strict: bool = False

    def allows(self, step: Step) -> bool:
        """Whether the step can be taken now: a lock may have to be waited for."""
        return step.name != "lock" or not self.process.is_locked

    def after(self, step: Step) -> tuple["Keys", Any]:
        match step.name:
            case "read":
                return self, self.version
            case "commit":
                version = self.version + 1
                ended = self._ended(*step.arguments)._replace(version=version)
                return (ended._replace(finished=version) if self.is_strict else ended), version
            case "rollback":
                return self._ended(*step.arguments), None
            case "draw":
                return self._replace(drawn=self.drawn + 1), f"t{self.drawn + 1}"
            case "now" | "lock" | "unlock" | "last" | "keep":
                return self._in_process(step)
        of = step.arguments[0]
        key = of.lease.key if isinstance(of, Fill) else of.key if isinstance(of, Lease) else of
        model, answer = self._model(key).after(step)
        return self._with(key, model), answer

    def _in_process(self, step: Step) -> tuple["Keys", Any]:
        process = self.process
        answer: Any = None
        match step.name:
            case "now":
                process = process._replace(clock=process.clock + 1)
                answer = process.clock
            case "lock" | "unlock":
                process = process._replace(is_locked=step.name == "lock")
            case "last":
                answer = process.last
            case "keep":
                process = process._replace(last=step.arguments)
        return self._replace(process=process), answer

    def _ended(self, record: bytes = b"") -> "Keys":
        """Without the open transaction of this record."""
        keys = tuple((key, model._replace(open=model.open - {record})) for key, model in self.keys)
        return self._replace(keys=keys)

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
        items = tuple((key, repr(model.item and model.item[1:]), model.open) for key, model in self.keys)
        return self.version, self.finished, self.drawn, items, self.process

    def canonical(self, thing: Any) -> Any:
        if isinstance(thing, Stored):
            return thing.entry, thing.lease and self.canonical(thing.lease)
        if isinstance(thing, Fill):
            return thing.entry, self.canonical(thing.lease)
        if isinstance(thing, Seen):  # only the generation is marked
            item = self._model(GENERATION).item
            return thing.value, item is not None and thing.unique == b"%d" % item[0]
        return (thing.key, self._model(thing.key).holds(thing)) if isinstance(thing, Lease) else thing

    def _model(self, key: bytes) -> Model:
        return dict(self.keys).get(key, Model())

    def _with(self, key: bytes, model: Model) -> "Keys":
        keys = {**dict(self.keys), key: model}
        return self._replace(keys=tuple(sorted(keys.items(), key=lambda item: item[0])))


class ScheduledLookaside(Lookaside):
    waits = (0.0,)
    record = b""

    def __init__(self) -> None:
        super().__init__({})


CACHE = ScheduledLookaside()
GENERATION = CACHE._name(generation_key("user:ann"))
ADDRESS = Address("/ann/", "", ("user:ann",), 300)
# Not a page: the request deletes the generation that it created.
NOT_FOUND = Address("/ann/nothing/", "", ("user:ann",), 300)


class ScheduledRenders(CoalescedRenders):
    """The real ones; what they share is in the model."""

    def __init__(self, do: Do) -> None:
        self.do = do

    def _last(self, address: Address) -> tuple[float, Page | None]:
        began, page = self.do("last")
        return began, Page.decode(page) if page else None

    def _keep(self, address: Address, began: float, page: Page | None) -> None:
        self.do("keep", began, page.encode() if page else b"")

    def _render_lock(self, address: Address) -> AbstractContextManager[object]:
        self.do("lock")
        stack = ExitStack()
        stack.callback(self.do, "unlock")
        return stack


class ScheduledPages(PageCache):
    """The real page cache; the application that it wraps reads one row."""

    def __init__(self, do: Do) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            found = environ["PATH_INFO"] == ADDRESS.path
            start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
            return [str(do("read")).encode()]

        site = Site(site_url="https://kwippy.example", hosts=["kwippy.example"], cookies=[])
        super().__init__(application, cache="", site=site, release="1")
        self._renders = ScheduledRenders(do)

    @property
    def _cache(self) -> Any:
        return CACHE


def hold_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is random, and clocks of memcached stand still; the process's clock counts its readings."""
    still = SimpleNamespace(time=lambda: 0.0)
    monkeypatch.setattr(values, "time", still)
    monkeypatch.setattr(marking, "time", still)
    monkeypatch.setattr(marking, "new_record", lambda seconds: CACHE.record)
    monkeypatch.setattr(CACHE, "_jittered", lambda ttl: ttl)
    monkeypatch.setattr(CACHE, "_pause", lambda seconds: None)
    monkeypatch.setattr(wsgi, "WAITS", (0.0,))
    monkeypatch.setattr(wsgi, "MARK_WAITS", ())
    monkeypatch.setattr(wsgi, "time", lambda: 0.0)
    monkeypatch.setattr(coalescing, "monotonic", lambda: CACHE.store.do("now"))  # type: ignore[attr-defined]
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
