"""Every interleaving of readers, writers and accidents, over one key.

A program is ordinary code, including the cache itself. Its calls to the store and the database go through
``do``; each such step may come before or after any step of the other programs. `explore` steps a model of
memcached and visits each state once; `walk` takes every path over a real store.

The database holds a version, at first 0; a writer adds 1, invalidates, and has then *finished* its version. A
read is stale if it returns less than the version finished before the read began.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from apps.lookaside.marks import RECORD_BYTES, Seen
from apps.lookaside.stores import Answer
from apps.lookaside.tests.model import Do, Model, Step
from apps.lookaside.values import Entry

type Perform = Callable[[Step], Any]
type Program = Callable[[Do], int]


DATABASE = {"read", "commit", "rollback"}


class Stale(AssertionError):
    """A stale read; the message is the path that led to it."""


class Pending(BaseException):
    def __init__(self, step: Step) -> None:
        self.step = step


@dataclass(frozen=True)
class Actor:
    """A program and the answers it has received; each step runs it again from the start."""

    name: str
    program: Program = field(repr=False)
    answers: tuple[Any, ...] = ()
    next: Step | None = None
    result: int | None = None
    # The version finished when it began.
    floor: int = 0

    def advanced(self, *answers: Any, floor: int = 0) -> "Actor":
        answered = self.answers + answers
        step, result = replayed(self.program, answered)
        began = floor if not self.answers else self.floor
        return replace(self, answers=answered, next=step, result=result, floor=began)


@lru_cache(maxsize=200_000)
def replayed(program: Program, answers: tuple[Any, ...]) -> tuple[Step | None, int | None]:
    """The step at which the program stops, or its result."""
    left = iter(answers)
    pending: Pending | None = None

    def do(name: str, *arguments: Any) -> Any:
        nonlocal pending
        if pending is None:
            for answer in left:
                return answer
            pending = Pending(Step(name, arguments))
        # Calls while the program unwinds have no effect.
        raise pending

    try:
        return None, program(do)
    except Pending as halt:
        return halt.step, None


class State(NamedTuple):
    model: Model
    actors: tuple[Actor, ...]
    accidents: int

    def key(self) -> object:
        """Equal for states with equal futures; the order of equal actors does not matter."""
        model = self.model
        actors = sorted(
            (repr((a.name, a.floor, a.result, [model.canonical(answer) for answer in a.answers])))
            for a in self.actors
        )
        sent = sorted(repr(model.canonical(fill)) for fill in model.sent)
        return model.fingerprint(), tuple(sent), tuple(actors), self.accidents

    def successors(self) -> Iterator[tuple[str, "State"]]:
        for index, actor in enumerate(self.actors):
            if actor.next is None or not self.model.allows(actor.next):
                continue
            model, answer = self.model.after(actor.next)
            moved = actor.advanced(answer, floor=self.model.finished)
            label = f"{actor.name} {index}: {actor.next.name} → {described(answer)}"
            if moved.result is not None and moved.name == "writer":
                model = model._replace(finished=max(model.finished, moved.result))
            actors = (*self.actors[:index], moved, *self.actors[index + 1 :])
            yield label, State(model, actors, self.accidents)
        for label, model in self.model.accidents():
            cost = 0 if label in ("fill arrives", "the mark ends") else 1
            if self.accidents >= cost:
                yield label, State(model, self.actors, self.accidents - cost)

    def check(self) -> str:
        """A description of a stale read, or an empty string."""
        for actor in self.actors:
            if actor.name == "reader" and actor.result is not None and actor.result < actor.floor:
                return f"a reader returned {actor.result}, and {actor.floor} was finished when it began"
        return ""


def explore(
    *, readers: Sequence[Program], writers: Sequence[Program], accidents: int = 0, model: Model | None = None
) -> int:
    """Visits every reachable state; returns their number. Raises Stale."""
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


def described(answer: Any) -> str:
    if isinstance(answer, Seen):
        return f"{len(answer.value) // RECORD_BYTES} marks"
    if isinstance(answer, Answer):
        return "an entry" if answer.entry else "the lease" if answer.lease else "another holds the lease"
    return "an entry" if isinstance(answer, Entry) else repr(answer)


def walk(
    *, perform: Perform, readers: Sequence[Program], writers: Sequence[Program], is_strict: bool = False
) -> int:
    """Takes every path over the store behind ``perform``; returns their number.

    Each begins with the step "delete". Raises Stale.
    """
    paths = 0
    choices: list[int] = []
    while True:
        widths = walked(perform, choices, readers, writers, Model(is_strict=is_strict))
        paths += 1
        choices += [0] * (len(widths) - len(choices))
        while choices and choices[-1] + 1 == widths[len(choices) - 1]:
            choices.pop()
        if not choices:
            return paths
        choices[-1] += 1


def walked(
    perform: Perform,
    choices: Sequence[int],
    readers: Sequence[Program],
    writers: Sequence[Program],
    model: Model,
) -> list[int]:
    """Takes the path that ``choices`` begin; returns the number of possible moves at each step."""
    perform(Step("delete", (b"",)))
    actors = [Actor("reader", program).advanced() for program in readers]
    actors += [Actor("writer", program).advanced() for program in writers]
    widths: list[int] = []
    path: list[str] = []
    while moving := [index for index, actor in enumerate(actors) if actor.next]:
        index = moving[choices[len(widths)] if len(widths) < len(choices) else 0]
        widths.append(len(moving))
        step = actors[index].next
        assert step
        before = model
        if step.name in DATABASE:
            model, answer = model.after(step)
        else:
            answer = perform(step)
        moved = actors[index] = actors[index].advanced(answer, floor=before.finished)
        path.append(f"{moved.name} {index}: {step.name} → {described(answer)}")
        if moved.name == "writer" and moved.result is not None:
            model = model._replace(finished=max(model.finished, moved.result))
        if wrong := State(model, (moved,), 0).check():
            raise Stale("\n".join([wrong, *path]))
    return widths
