"""Parses the scene files, `scenes/*.txt`.

A file begins with a header: ``topic:``, ``tags:``, ``lang:``, ``bio:`` lines, and ``{slot}:`` lines with
values between bars. Blank lines separate scenes. In a scene, lines without indent are openings: alternative
texts of the kwip. Indented lines are comments: without a mark it begins an exchange; ``>`` is by the author
of the kwip, ``<`` by the first commenter, ``+`` by another person. The exchanges of a scene that begins with
``*`` fit every opening of the topic.

In a line, ``{slot}`` has one value per thread, ``[a|b]`` is a random choice, ``¶`` a new paragraph, ``↵`` a
new line. An opening may begin with ``~`` (rare) and ``(when)``: a part of the day, a weekday, ``weekend``,
or ``new`` for the first kwip of a new member. ``{@friend}`` is the user name of a followee of the author,
``{@op}`` the author's, ``{op}`` the author's given name. An exchange that begins with ``?word|{slot}?`` is
only for kwips with such a word or slot.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
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
type Slots = Mapping[str, tuple[Line, ...]]


@dataclass(slots=True)
class Exchange:
    """A sequence of comments: the mark ("", ">", "<" or "+") and the text of each."""

    about: tuple[str, ...]
    comments: list[tuple[str, Line]]

    def fits(self, words: str, bound: Mapping[str, str]) -> bool:
        """Whether it fits a kwip with this text, in lower case, and these slots."""
        return not self.about or any(
            about[1:-1] in bound if about[0] == "{" else about in words for about in self.about
        )


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A template of a kwip."""

    line: Line
    scene: "Scene"
    hours: frozenset[int]
    weekdays: frozenset[int]
    seldom: bool
    needs_friend: bool
    by_new: bool

    def fits(self, hour: int, weekday: int) -> bool:
        return hour in self.hours and weekday in self.weekdays

    @property
    def always(self) -> bool:
        """Whether it fits every author at any time."""
        special = self.seldom or self.needs_friend or self.by_new
        return len(self.hours) == 24 and len(self.weekdays) == 7 and not special


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
    slots: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    openings: list[Opening] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Book:
    """All topics but `ANYWHERE`, by name; the exchanges that fit every kwip, by language."""

    topics: tuple[Topic, ...]
    anywhere: Mapping[str, tuple[Exchange, ...]]

    @property
    def openings(self) -> list[Opening]:
        return [opening for topic in self.topics for opening in topic.openings]

    @property
    def for_new(self) -> list[Opening]:
        return [opening for opening in self.openings if opening.by_new]


def read(directory: Path = SCENES) -> Book:
    """Parses all scene files. Raises ValueError with the file and line of a syntax error."""
    topics = [_read_file(path) for path in sorted(directory.glob("*.txt"))]
    common: dict[str, tuple[Line, ...]] = {}
    anywhere: dict[str, tuple[Exchange, ...]] = {}
    for topic in topics:
        if topic.name == ANYWHERE:
            common |= topic.slots
            anywhere[topic.language] = tuple(topic.exchanges)
    used = [topic for topic in topics if topic.name != ANYWHERE]
    for topic in used:
        topic.slots = common | topic.slots
        if not any(opening.always for opening in topic.openings):
            raise ValueError(f"{topic.name}: nothing that can be said at any time")
        _check_slots(topic)
    return Book(tuple(used), anywhere)


def _check_slots(topic: Topic) -> None:
    scenes = {id(opening.scene): opening.scene for opening in topic.openings}.values()
    exchanges = [*topic.exchanges, *(exchange for scene in scenes for exchange in scene.exchanges)]
    lines = [opening.line for opening in topic.openings]
    lines += [said for exchange in exchanges for _, said in exchange.comments]
    lines += [value for values in topic.slots.values() for value in values]
    for name in set(_slots_in(lines)) - set(topic.slots) - {"@friend", "@op", "op"}:
        raise ValueError(f"{topic.name}: nothing fills {{{name}}}")


def _slots_in(lines: Iterable[Line]) -> Iterator[str]:
    for part in (part for one in lines for part in one):
        if isinstance(part, Slot):
            yield part.name
        elif isinstance(part, Choice):
            yield from _slots_in(part.options)


def _read_file(path: Path) -> Topic:
    topic = Topic(name=path.stem)
    scene: Scene | None = None
    header = True
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            if not raw.strip():
                scene, header = None, False
            elif header:
                _read_header(topic, raw)
            else:
                scene = scene or Scene(topic)
                _read_scene_line(scene, raw)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return topic


def _read_header(topic: Topic, raw: str) -> None:
    name, _, rest = raw.partition(": ")
    if name in ("topic", "lang"):
        setattr(topic, "name" if name == "topic" else "language", rest.strip())
    elif name == "tags":
        topic.tags += rest.split()
    elif name == "bio":
        topic.bios.append(rest.strip())
    elif re.fullmatch(r"\{\w+\}", name):
        topic.slots[name[1:-1]] = tuple(line(value.strip()) for value in rest.split("|"))
    else:
        raise ValueError("not a heading")


def _read_scene_line(scene: Scene, raw: str) -> None:
    said = raw.strip()
    if said == "*":
        # The exchanges belong to the topic.
        scene.exchanges = scene.topic.exchanges
    elif not raw.startswith(" "):
        opening = _opening(said, scene)
        scene.openings.append(opening)
        scene.topic.openings.append(opening)
    elif said[:2] in ("> ", "< ", "+ "):
        if not scene.exchanges:
            raise ValueError("an answer to nothing")
        scene.exchanges[-1].comments.append((said[0], line(said[2:])))
    else:
        about = re.match(r"\?(.+?)\? ", said)
        said = said[about.end() :] if about else said
        scene.exchanges.append(Exchange(tuple(about[1].split("|")) if about else (), [("", line(said))]))


def _opening(said: str, scene: Scene) -> Opening:
    by_new = False
    seldom = said.startswith("~")
    said = said.removeprefix("~").strip()
    hours, weekdays = frozenset(range(24)), frozenset(range(7))
    while when := re.match(r"\(([a-z]+)\) ", said):
        said = said[when.end() :]
        if when[1] in _HOURS:
            hours &= frozenset(_HOURS[when[1]])
        elif when[1] == "weekend":
            weekdays &= {5, 6}
        elif when[1] == "new":
            by_new = True
        else:
            weekdays &= {_WEEKDAYS.index(when[1])}
    return Opening(line(said), scene, hours, weekdays, seldom, "{@friend}" in said, by_new)


def line(said: str) -> Line:
    """Parses a line into text, slots and choices."""
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
    """Renders a line. Adds the values of new slots to ``bound``."""
    words = []
    for part in said:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, Slot):
            if part.name not in bound:
                values = slots[part.name]
                value = values[int(chance.random() * len(values))]
                bound[part.name] = fill(value, bound, slots, chance)
            words.append(bound[part.name])
        else:
            option = part.options[int(chance.random() * len(part.options))]
            words.append(fill(option, bound, slots, chance))
    return "".join(words)
