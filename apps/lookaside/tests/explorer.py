"""Every interleaving of readers, writers and accidents, over one key.

A program is ordinary code, the cache's own included: what it asks of the store and of the database goes
through ``do``, and each such step may come before or after any step of the others. There are two ways to
look: `explore` steps a model of memcached and visits each state once, `walk` takes every path there is over a
real store.

The database holds a version, 0 at first; a writer adds 1, invalidates, and has then *finished* its version. A
read is stale if it returns less than what was finished before the read began.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from apps.lookaside.stores import Answer, Fill, Lease
from apps.lookaside.values import Entry

type Do = Callable[..., Any]
type Perform = Callable[["Step"], Any]
type Program = Callable[[Do], int]


DATABASE = {"read", "commit"}


class Stale(AssertionError):
    """A read was older than it may be; the message is the path that led to it."""


class Step(NamedTuple):
    """What a program asks for next."""

    name: str
    arguments: tuple[Any, ...]


class Pending(BaseException):
    def __init__(self, step: Step) -> None:
        self.step = step


@dataclass(frozen=True)
class Actor:
    """A program, and the answers that it has had: it is run again from its start for each step."""

    name: str
    program: Program = field(repr=False)
    answers: tuple[Any, ...] = ()
    next: Step | None = None
    result: int | None = None
    # What was finished when it began.
    floor: int = 0

    def advanced(self, *answers: Any, floor: int = 0) -> "Actor":
        answered = self.answers + answers
        step, result = replayed(self.program, answered)
        began = floor if not self.answers else self.floor
        return replace(self, answers=answered, next=step, result=result, floor=began)


@lru_cache(maxsize=200_000)
def replayed(program: Program, answers: tuple[Any, ...]) -> tuple[Step | None, int | None]:
    """The step at which the program comes to a halt, or else its result."""
    left = iter(answers)
    pending: Pending | None = None

    def do(name: str, *arguments: Any) -> Any:
        nonlocal pending
        if pending is None:
            for answer in left:
                return answer
            pending = Pending(Step(name, arguments))
        # Whatever the program does while it unwinds has not happened.
        raise pending

    try:
        return None, program(do)
    except Pending as halt:
        return halt.step, None


class ScheduledStore:
    """A store each of whose calls is a step."""

    def __init__(self, do: Do) -> None:
        self.do = do

    def fetch(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        (key,) = keys
        return {key: self.do("fetch", key)}

    def fill(self, fills: Sequence[Fill]) -> None:
        (fill,) = fills
        self.do("fill", fill)

    def release(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.do("release", lease)

    def delete(self, keys: Sequence[bytes]) -> list[bytes]:
        (key,) = keys
        self.do("delete", key)
        return []

    def clear(self) -> None:
        raise NotImplementedError


class Model(NamedTuple):
    """One key of memcached, and the row behind it."""

    version: int = 0
    finished: int = 0
    # The key's state: its number, and the entry; None while a lease is out.
    item: tuple[int, Any] | None = None
    numbers: int = 0
    # How often the server was started: connections do not outlive it.
    epoch: int = 0
    # Sent, and not yet arrived: what a reader that gave up waiting for an answer has still set going.
    sent: tuple[Fill, ...] = ()

    def after(self, step: Step) -> tuple["Model", Any]:
        """The model after a step, and the step's answer."""
        answer: tuple[Model, Any] = getattr(self, f"_{step.name}")(*step.arguments)
        return answer

    def _read(self) -> tuple["Model", int]:
        return self, self.version

    def _commit(self) -> tuple["Model", int]:
        return self._replace(version=self.version + 1), self.version + 1

    def _fetch(self, key: bytes) -> tuple["Model", Answer]:
        if self.item is None:
            model = self._put(None)
            return model, Answer(None, model.lease(key))
        entry = self.item[1]
        return self, Answer(entry, self.lease(key) if entry else None)

    def _fill(self, fill: Fill) -> tuple["Model", None]:
        return self._replace(sent=(*self.sent, fill)), None

    def _release(self, lease: Lease) -> tuple["Model", None]:
        return (self._replace(item=None) if self.holds(lease) else self), None

    def _delete(self, key: bytes) -> tuple["Model", None]:
        return self._replace(item=None), None

    # A cache without leases, such as Django's.

    def _get(self) -> tuple["Model", Any]:
        return self, self.item[1] if self.item else None

    def _set(self, value: Any) -> tuple["Model", None]:
        return self._put(value), None

    def _add(self, value: Any) -> tuple["Model", bool]:
        return (self, False) if self.item else (self._put(value), True)

    def accidents(self) -> Iterator[tuple[str, "Model"]]:
        """What may happen in between: a fill arrives, the key is evicted or expires, memcached restarts."""
        for index, fill in enumerate(self.sent):
            model = self._replace(sent=self.sent[:index] + self.sent[index + 1 :])
            yield "fill arrives", model._put(fill.entry) if self.holds(fill.lease) else model
        if self.item:
            yield "evicted", self._replace(item=None)
        yield "restarted", self._replace(item=None, numbers=0, epoch=self.epoch + 1, sent=())

    def lease(self, key: bytes) -> Lease:
        assert self.item
        return Lease(key, b"%d" % self.item[0], self.epoch)

    def holds(self, lease: Lease) -> bool:
        return (
            self.item is not None and lease.unique == b"%d" % self.item[0] and lease.granted_by == self.epoch
        )

    def _put(self, value: Any) -> "Model":
        return self._replace(numbers=self.numbers + 1, item=(self.numbers + 1, value))

    def fingerprint(self) -> object:
        return self.version, self.finished, repr(self.item and (self.item[1],))

    def canonical(self, thing: Any) -> Any:
        """``thing`` without numbers: all that will ever count is whether a lease is still good."""
        if isinstance(thing, Lease):
            return self.holds(thing)
        if isinstance(thing, Answer):
            return thing.entry, thing.lease and self.canonical(thing.lease)
        if isinstance(thing, Fill):
            return thing.entry, self.canonical(thing.lease)
        return thing


class State(NamedTuple):
    model: Model
    actors: tuple[Actor, ...]
    accidents: int

    def key(self) -> object:
        """Equal for states with equal futures: equal actors are interchangeable."""
        model = self.model
        actors = sorted(
            (repr((a.name, a.floor, a.result, [model.canonical(answer) for answer in a.answers])))
            for a in self.actors
        )
        sent = sorted(repr(model.canonical(fill)) for fill in model.sent)
        return model.fingerprint(), tuple(sent), tuple(actors), self.accidents

    def successors(self) -> Iterator[tuple[str, "State"]]:
        for index, actor in enumerate(self.actors):
            if actor.next is None:
                continue
            model, answer = self.model.after(actor.next)
            moved = actor.advanced(answer, floor=self.model.finished)
            label = f"{actor.name} {index}: {actor.next.name} → {told(answer)}"
            if moved.result is not None and moved.name == "writer":
                model = model._replace(finished=max(model.finished, moved.result))
            actors = (*self.actors[:index], moved, *self.actors[index + 1 :])
            yield label, State(model, actors, self.accidents)
        for label, model in self.model.accidents():
            cost = 0 if label == "fill arrives" else 1
            if self.accidents >= cost:
                yield label, State(model, self.actors, self.accidents - cost)

    def check(self) -> str:
        """What is wrong with it, if anything."""
        for actor in self.actors:
            if actor.name == "reader" and actor.result is not None and actor.result < actor.floor:
                return f"a reader returned {actor.result}, and {actor.floor} was finished when it began"
        return ""


def explore(
    *, readers: Sequence[Program], writers: Sequence[Program], accidents: int = 0, model: Model | None = None
) -> int:
    """Visits every state that can be reached; returns how many there are. Raises Stale."""
    actors = [Actor("reader", program).advanced() for program in readers]
    actors += [Actor("writer", program).advanced() for program in writers]
    start = State(model or Model(), tuple(actors), accidents)
    seen = {start.key()}
    left: list[tuple[State, Any]] = [(start, None)]
    while left:
        state, path = left.pop()
        for label, following in state.successors():
            here = (label, path)
            if wrong := following.check():
                raise Stale("\n".join([wrong, *reversed(list(steps(here)))]))
            key = following.key()
            if key not in seen:
                seen.add(key)
                left.append((following, here))
    return len(seen)


def steps(path: Any) -> Iterator[str]:
    while path:
        label, path = path
        yield label


def told(answer: Any) -> str:
    if isinstance(answer, Answer):
        return "an entry" if answer.entry else "the lease" if answer.lease else "another holds the lease"
    return "an entry" if isinstance(answer, Entry) else repr(answer)


def walk(*, perform: Perform, readers: Sequence[Program], writers: Sequence[Program]) -> int:
    """Takes every path, having ``perform`` do what is asked of a store; returns how many there are.

    Begins each with the step "delete". Raises Stale.
    """
    paths = 0
    choices: list[int] = []
    while True:
        widths = walked(perform, choices, readers, writers)
        paths += 1
        choices += [0] * (len(widths) - len(choices))
        while choices and choices[-1] + 1 == widths[len(choices) - 1]:
            choices.pop()
        if not choices:
            return paths
        choices[-1] += 1


def walked(
    perform: Perform, choices: Sequence[int], readers: Sequence[Program], writers: Sequence[Program]
) -> list[int]:
    """Takes the path that ``choices`` begin; returns how many could have moved at each of its steps."""
    perform(Step("delete", (b"",)))
    actors = [Actor("reader", program).advanced() for program in readers]
    actors += [Actor("writer", program).advanced() for program in writers]
    model = Model()
    widths: list[int] = []
    path: list[str] = []
    while moving := [index for index, actor in enumerate(actors) if actor.next]:
        index = moving[choices[len(widths)] if len(widths) < len(choices) else 0]
        widths.append(len(moving))
        step = actors[index].next
        assert step
        answer = model.after(step)[1] if step.name in DATABASE else perform(step)
        if step.name == "commit":
            model = model._replace(version=answer)
        moved = actors[index] = actors[index].advanced(answer, floor=model.finished)
        path.append(f"{moved.name} {index}: {step.name} → {told(answer)}")
        if moved.name == "writer" and moved.result is not None:
            model = model._replace(finished=max(model.finished, moved.result))
        if wrong := State(model, (moved,), 0).check():
            raise Stale("\n".join([wrong, *path]))
    return widths
