"""The pages that most will ask for, by who knows them."""

from collections.abc import Callable, Iterable

# Functions that give addresses (paths with their query); an app registers its own from `AppConfig.ready`.
popular: list[Callable[[], Iterable[str]]] = []
