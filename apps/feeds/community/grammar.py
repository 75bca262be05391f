"""Reads what people say: files of scenes.

A file opens with what its scenes share (``topic:``, ``tags:``, ``lang:``, ``bio:`` lines and ``{slot}:``
lines with values between bars). Blank lines part the scenes. In a scene, lines at the margin are openings, any
of which may be the kwip; indented lines are comments: one without a mark begins an exchange, ``>`` is the
kwip's author answering, ``<`` the same commenter again, ``+`` somebody else. A scene that begins with
``*`` has exchanges that fit every opening of its topic.

In a line ``{slot}`` is filled once per thread, so that comments speak of the same thing; ``[a|b]`` is one
of them; ``¶`` a new paragraph, ``↵`` a new line. An opening may begin with ``~`` (seldom used) and ``(when)``.
``{@friend}`` is the user name of someone the author follows, ``{@op}`` the author's and ``{op}`` what people
call them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SCENES = Path(__file__).with_name("scenes")
ANYWHERE = "anywhere"  # the topic of comments that fit any kwip, and of slots that every topic may use

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = {
    "morning": range(5, 11),
    "noon": range(11, 15),
    "evening": range(17, 23),
    "night": (22, 23, 0, 1, 2, 3),
}
_PIECE = re.compile(r"\{([@\w]+)\}|\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Slot:
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple["Line", ...]


type Line = tuple[str | Slot | Choice, ...]
type Slots = Mapping[str, tuple[str, ...]]
type Exchange = tuple[tuple[str, Line], ...]  # each comment: who ("", ">", "<" or "+") and what


@dataclass(frozen=True, slots=True)
class Opening:
    """What a kwip may say. Compared by identity: every opening is itself."""

    number: int
    line: Line
    scene: "Scene"
    hours: frozenset[int]
    weekdays: frozenset[int]
    seldom: bool
    needs_friend: bool

    def fits(self, hour: int, weekday: int) -> bool:
        return hour in self.hours and weekday in self.weekdays


@dataclass(slots=True)
class Scene:
    topic: "Topic"
    openings: list[Opening] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(slots=True)
class Topic:
    name: str
    language: str = "en"
    tags: list[str] = field(default_factory=list)
    bios: list[str] = field(default_factory=list)
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    openings: list[Opening] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Book:
    """All topics but `ANYWHERE`, in the order of their names; what fits anywhere, by language."""

    topics: tuple[Topic, ...]
    anywhere: Mapping[str, tuple[Exchange, ...]]

    @property
    def openings(self) -> list[Opening]:
        return [opening for topic in self.topics for opening in topic.openings]


def read(directory: Path = SCENES) -> Book:
    """The book of all scene files. Raises ValueError, naming file and line, for one that makes no sense."""
    numbers = iter(range(1_000_000))
    topics = [_read_file(path, numbers) for path in sorted(directory.glob("*.txt"))]
    common: dict[str, tuple[str, ...]] = {}
    anywhere: dict[str, tuple[Exchange, ...]] = {}
    for topic in topics:
        if topic.name == ANYWHERE:
            common |= topic.slots
            anywhere[topic.language] = tuple(topic.exchanges)
    kept = [topic for topic in topics if topic.name != ANYWHERE]
    for topic in kept:
        topic.slots = common | topic.slots
    return Book(tuple(kept), anywhere)


def _read_file(path: Path, numbers: Iterator[int]) -> Topic:
    topic = Topic(name=path.stem)
    scene: Scene | None = None
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            if not raw.strip():
                scene = None
            elif scene is None and _read_header(topic, raw):
                pass
            elif scene is None:
                scene = Scene(topic)
                _read_scene_line(scene, raw, numbers)
            else:
                _read_scene_line(scene, raw, numbers)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return topic


def _read_header(topic: Topic, raw: str) -> bool:
    name, colon, rest = raw.partition(": ")
    if not colon:
        return False
    if name in ("topic", "lang"):
        setattr(topic, "name" if name == "topic" else "language", rest.strip())
    elif name == "tags":
        topic.tags += rest.split()
    elif name == "bio":
        topic.bios.append(rest.strip())
    elif re.fullmatch(r"\{\w+\}", name):
        topic.slots[name[1:-1]] = tuple(value.strip() for value in rest.split("|"))
    else:
        return False
    return True


def _read_scene_line(scene: Scene, raw: str, numbers: Iterator[int]) -> None:
    said = raw.strip()
    if said == "*":
        # What fits every opening of the topic is kept with the topic itself.
        scene.exchanges = scene.topic.exchanges
    elif not raw.startswith(" "):
        opening = _opening(said, scene, next(numbers))
        scene.openings.append(opening)
        scene.topic.openings.append(opening)
    elif said[:2] in ("> ", "< ", "+ "):
        if not scene.exchanges:
            raise ValueError("an answer to nothing")
        scene.exchanges[-1] += ((said[0], line(said[2:])),)
    else:
        scene.exchanges.append((("", line(said)),))


def _opening(said: str, scene: Scene, number: int) -> Opening:
    seldom = said.startswith("~")
    said = said.removeprefix("~").strip()
    hours, weekdays = frozenset(range(24)), frozenset(range(7))
    while when := re.match(r"\(([a-z]+)\) ", said):
        said = said[when.end() :]
        if when[1] in _HOURS:
            hours &= frozenset(_HOURS[when[1]])
        elif when[1] == "weekend":
            weekdays &= {5, 6}
        else:
            weekdays &= {_WEEKDAYS.index(when[1])}
    return Opening(number, line(said), scene, hours, weekdays, seldom, "{@friend}" in said)


def line(said: str) -> Line:
    """A line cut into text, slots and choices."""
    said = said.replace(" ¶ ", "\n\n").replace(" ↵ ", "\n")
    parts: list[str | Slot | Choice] = []
    start = 0
    for found in _PIECE.finditer(said):
        parts.append(said[start : found.start()])
        parts.append(
            Slot(found[1]) if found[1] else Choice(tuple(line(option) for option in found[2].split("|")))
        )
        start = found.end()
    parts.append(said[start:])
    return tuple(part for part in parts if part != "")


def fill(said: Line, bound: dict[str, str], slots: Slots, chance: Random) -> str:
    """The line in words. Slots filled for the first time are bound in ``bound``."""
    words = []
    for part in said:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, Slot):
            if part.name not in bound:
                values = slots[part.name]
                bound[part.name] = values[int(chance.random() * len(values))]
            words.append(bound[part.name])
        else:
            option = part.options[int(chance.random() * len(part.options))]
            words.append(fill(option, bound, slots, chance))
    return "".join(words)
