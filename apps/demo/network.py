"""Generates follows."""

from array import array
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random

from apps.demo.people import Person
from apps.demo.rng import weighted
from apps.graph.actions import FOLLOWING_LIMIT

_BITS = 24
_MASK = (1 << _BITS) - 1


class Network:
    """The follows with their times, by the indexes of people."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.followers = [array("l") for _ in people]
        self.since = [array("q") for _ in people]
        self.following = [array("l") for _ in people]

    def add(self, moment: int, follower: int, followee: int) -> None:
        """Adds a follow. Must be called in order of time."""
        self.followers[followee].append(follower)
        self.since[followee].append(moment)
        self.following[follower].append(followee)

    def followers_at(self, person: int, moment: int) -> int:
        """The number of the person's followers at the moment."""
        return bisect(self.since[person], moment)


class Matchmaker:
    """Chooses followees by popularity, half of them among people with a common topic."""

    def __init__(self, people: Sequence[Person], popularity: Sequence[float], chance: Random) -> None:
        self.people = people
        self.chance = chance
        self._everyone = list(accumulate(popularity))
        self._circles: dict[str, tuple[list[int], list[float]]] = {}
        members: dict[str, list[int]] = {}
        for index, person in enumerate(people):
            for topic in person.topics:
                members.setdefault(topic.name, []).append(index)
        for name, circle in members.items():
            self._circles[name] = circle, list(accumulate(popularity[index] for index in circle))

    def choose(self, follower: int, wanted: int) -> set[int]:
        """At most ``wanted`` people to follow."""
        chosen: set[int] = set()
        for _ in range(wanted * 3):
            if len(chosen) >= wanted:
                break
            chosen.add(self._one(follower))
        return chosen - {follower}

    def _one(self, follower: int) -> int:
        topics = self.people[follower].topics
        if self.chance.random() < 0.5:
            circle, weights = self._circles[topics[int(self.chance.random() * len(topics))].name]
            return circle[weighted(self.chance, weights, len(circle))]
        return weighted(self.chance, self._everyone, len(self._everyone))


def draw(
    people: Sequence[Person],
    *,
    popularity: Sequence[float],
    average: float,
    until: int,
    chance: Random,
    sizes: Mapping[int, int],
    celebrity: int,
) -> Iterator[tuple[int, int, int]]:
    """All follows as (moment, follower, followee), in order of time.

    ``sizes`` has the number of followees of certain people; 95 % follow ``celebrity``. Every 400th person
    follows only dormant people.
    """
    matchmaker = Matchmaker(people, popularity, chance)
    dormant = [index for index, person in enumerate(people) if person.dormant]
    edges = []  # each packed into one number, to save memory
    for follower, person in enumerate(people):
        if follower % 400 == 11 and dormant:
            chosen = set(chance.sample(dormant, min(10, len(dormant)))) - {follower}
        else:
            wanted = sizes.get(follower) or 2 + int(chance.lognormvariate(0, 0.9) * average * 0.65)
            chosen = _choose(matchmaker, follower, min(wanted, FOLLOWING_LIMIT, len(people) - 1))
            if (
                follower != celebrity < len(people)
                and chance.random() < 0.95
                and len(chosen) < FOLLOWING_LIMIT
            ):
                chosen.add(celebrity)
        for followee in sorted(chosen):
            start = max(person.joined, people[followee].joined)
            moment = start + int((until - start) * chance.random() ** 2)
            edges.append((moment << 2 * _BITS) | (follower << _BITS) | followee)
    edges.sort()
    for edge in edges:
        yield edge >> 2 * _BITS, edge >> _BITS & _MASK, edge & _MASK


def _choose(matchmaker: Matchmaker, follower: int, wanted: int) -> set[int]:
    everyone = range(len(matchmaker.people))
    if wanted < min(500, len(everyone) // 5):
        return matchmaker.choose(follower, wanted)
    # For so many, popularity does not matter.
    drawn = matchmaker.chance.sample(everyone, min(wanted + 1, len(everyone)))
    return set([index for index in drawn if index != follower][:wanted])
