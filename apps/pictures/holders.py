"""Which pictures are used: the apps above say so, for the sweep. Without a holder, a used picture is kept."""

from collections.abc import Callable, Collection

from apps.pictures.models import Shape

# Returns those of the names that something shows.
type Held = Callable[[Collection[str]], set[str]]

_holders: dict[Shape, list[Held]] = {}


def register(shape: Shape, held: Held) -> None:
    """Called from `AppConfig.ready`. All holders of a shape must be known, or their pictures are deleted."""
    _holders.setdefault(shape, []).append(held)


def is_known(shape: str) -> bool:
    return Shape(shape) in _holders


def held(shape: str, names: Collection[str]) -> set[str]:
    return set().union(*(ask(names) for ask in _holders.get(Shape(shape), [])))
