"""Simulates a community: people kwip, comment and favourite, in order of time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from random import Random
from typing import Any

from apps.demo import clock
from apps.demo.builder import Community
from apps.demo.bulk_copy import NULL, escaped
from apps.demo.grammar import Exchange
from apps.demo.people import Person
from apps.demo.rng import seeded_random, weighted
from apps.demo.talk import Kwip, Talk
from apps.kwips.text import tag_name

FOLLOWERS_ONLY = 0.03
EDITED = 0.012
MOST_FAVOURITES = 300
SHARED = 0.03  # of kwips for everyone
MOST_SHARES = 100
NEW = 14 * clock.DAY

# In the scene files no address or word contains "#" or "@", so this finds what apps.kwips.text finds,
# 30 times as fast.
_MARKED = re.compile(r"([@#])(\w+)")


@dataclass(slots=True)
class Thread:
    """The kwip of a comment."""

    id: int
    author: int
    audience: int | str


class Simulation:
    """`kwips` runs the simulation."""

    def __init__(self, community: Community) -> None:
        self.home = community
        self.people = community.people
        self.network = community.network
        self.since, self.until = community.shape.since, community.shape.until
        self.talkative = community.shape.talkative
        seed = community.shape.seed
        self.chance = seeded_random(seed, "life")
        self.talk = Talk(community.book, self.chance)
        # A separate generator, so that the moments do not depend on the texts.
        self._moments = seeded_random(seed, "moments")
        self._sharing = seeded_random(seed, "shares")
        self._form_keys = seeded_random(seed, "form keys")
        self._scheduled: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._ids = {person.username: person.id for person in self.people}
        # Dormant people write only before this.
        self._silence = self.since + (self.until - self.since) // 10

    def kwips(self, number: int) -> Iterator[None]:
        """Simulates that many kwips, with their comments and favourites; yields after each."""
        for moment in clock.moments(number, since=self.since, until=self.until, chance=self._moments):
            while self._scheduled and self._scheduled[0][0] <= moment:
                self._run_next()
            self._publish(moment)
            yield
        while self._scheduled:
            self._run_next()

    def _run_next(self) -> None:
        moment, _, act, arguments = heappop(self._scheduled)
        act(moment, *arguments)

    def _schedule(self, moment: int, act: Callable[..., None], *arguments: Any) -> None:
        heappush(self._scheduled, (moment, next(self._order), act, arguments))

    def _publish(self, moment: int) -> None:
        index = self._writer(moment)
        author = self.people[index]
        new = not self.home.counts.kwips[index] and moment - author.joined < NEW
        kwip = self.talk.kwip(author, moment, self._friend(index, moment), new=new)
        followers = self.network.followers_at(index, moment)
        private = followers > 0 and self.chance.random() < FOLLOWERS_ONLY
        thread = Thread(self.home.kwip_rows.next_id, index, author.id if private else NULL)
        comments = self._comments(kwip, thread, moment)
        favourites = self._favourites(thread, index, moment)
        shares = self._shares(thread, moment)
        edited = self._edit(kwip, thread.id, moment)
        self._row(
            kwip.words, author, NULL, thread.audience, moment,
            edited=edited, active=comments[-1][0] if comments else moment,
            comments=len(comments), favourites=favourites, shares=shares,
        )  # fmt: skip
        self.home.counts.kwips[index] += 1
        for when, by, words in comments:
            self._schedule(when, self._comment, thread, by, words)

    def _comment(self, moment: int, thread: Thread, by: int, words: str) -> None:
        favourites = 0
        if self.chance.random() < 0.12:
            favourites = self._favourites(thread, by, moment, most=2)
        self._row(
            words, self.people[by], thread.id, thread.audience, moment,
            edited=0, active=moment, comments=0, favourites=favourites, shares=0,
        )  # fmt: skip
        self.home.counts.comments[by] += 1

    def _favourite(self, moment: int, kwip_id: int, by: int) -> None:
        self.home.favourite_rows.new(self.people[by].id, kwip_id, clock.stamp(moment))
        self.home.counts.favourites[by] += 1

    def _share(self, moment: int, thread: Thread, by: int) -> None:
        author, sharer = self.people[thread.author].id, self.people[by].id
        self.home.share_rows.add(
            self.home.kwip_rows.take_id(), sharer, thread.id, author, clock.stamp(moment)
        )

    def _row(
        self, words: str, author: Person, thread: int | str, audience: int | str, moment: int,
        *, edited: int, active: int, comments: int, favourites: int, shares: int,
    ) -> None:  # fmt: skip
        created = clock.stamp(moment)
        identity = self.home.kwip_rows.new(
            author.id, thread, escaped(words), audience, int(audience != NULL),
            f"{self._form_keys.getrandbits(128):032x}", created,
            clock.stamp(edited) if edited else NULL, created if active == moment else clock.stamp(active),
            1 + comments + favourites + shares + (edited > 0), comments, favourites, shares,
        )  # fmt: skip
        if "#" in words or "@" in words:
            self._index(identity, words)

    def _index(self, identity: int, words: str) -> None:
        tags, named = set(), set()
        for mark, name in _MARKED.findall(words):
            if mark == "#":
                tags.add(tag_name(name))
            elif name in self._ids:
                named.add(self._ids[name])
        for tag in sorted(tags):
            self.home.kwip_tag_rows.add(self.home.tag_id(tag), identity)
        for person in sorted(named):
            self.home.mention_rows.add(identity, person)

    def _edit(self, kwip: Kwip, identity: int, moment: int) -> int:
        """The time of an edit, 0 for none. Adds the revision."""
        if self.chance.random() >= EDITED:
            return 0
        edited = moment + int(self.chance.expovariate(1 / 20) * 60 * clock.SECOND) + clock.SECOND
        before = self.talk.misspelt(kwip.words)
        if edited > self.until or before == kwip.words:
            return 0
        self.home.revision_rows.new(identity, escaped(before), clock.stamp(moment))
        return edited

    def _writer(self, moment: int) -> int:
        weights = self.home.early if moment < self._silence else self.home.late
        return weighted(self.chance, weights, self.home.joined_at(moment))

    def _friend(self, index: int, moment: int) -> str:
        following = self.network.following[index]
        if not following:
            return ""
        friend = self.people[following[int(self.chance.random() * len(following))]]
        return friend.username if friend.joined <= moment else ""

    def _reader(self, thread: Thread, moment: int, chance: Random | None = None) -> int | None:
        """An active person who may see the thread at the moment."""
        chance = chance or self.chance
        followers = self.network.followers_at(thread.author, moment)
        if followers and (thread.audience != NULL or chance.random() < 0.8):
            found = self.network.followers[thread.author][int(chance.random() * followers)]
        elif thread.audience != NULL:
            return None
        else:
            found = weighted(chance, self.home.late, self.home.joined_at(moment))
        asleep = self.people[found].dormant and moment >= self._silence
        return None if found == thread.author or asleep else found

    def _speaker(self, thread: Thread, kwip: Kwip, moment: int) -> int | None:
        """A reader who understands the kwip and writes in its language."""
        language = kwip.opening.scene.topic.language
        for _ in range(4):
            found = self._reader(thread, moment)
            if found is not None and (language == "en" or language in self.people[found].languages):
                return found
        if language == "en" or thread.audience != NULL:
            return None
        speakers = self.home.speakers[language]
        found = speakers[int(self.chance.random() * len(speakers))]
        person = self.people[found]
        return None if found == thread.author or person.dormant or person.joined > moment else found

    def _favourites(self, thread: Thread, author: int, moment: int, most: int = MOST_FAVOURITES) -> int:
        """Schedules favourites of the kwip or comment with the next id; returns how many."""
        wanted = min(int(self.chance.paretovariate(1.7)) - (most == MOST_FAVOURITES), most)
        fans = set()
        if most != MOST_FAVOURITES and author != thread.author and self.chance.random() < 0.5:
            # Authors favourite comments on their kwips.
            when = moment + int(self.chance.lognormvariate(-2, 1) * clock.HOUR)
            if when <= self.until:
                fans.add(thread.author)
                self._schedule(when, self._favourite, self.home.kwip_rows.next_id, thread.author)
        for _ in range(wanted):
            when = moment + int(self.chance.lognormvariate(0, 1.5) * clock.HOUR)
            by = self._reader(thread, moment)
            if by is not None and by not in fans and by != author and when <= self.until:
                fans.add(by)
                self._schedule(when, self._favourite, self.home.kwip_rows.next_id, by)
        return len(fans)

    def _shares(self, thread: Thread, moment: int) -> int:
        """Schedules shares of the kwip; returns how many."""
        if thread.audience != NULL or self._sharing.random() >= SHARED:
            return 0
        sharers = set()
        for _ in range(min(int(self._sharing.paretovariate(1.5)), MOST_SHARES)):
            when = moment + int(self._sharing.lognormvariate(0.5, 1.5) * clock.HOUR)
            by = self._reader(thread, moment, self._sharing)
            if by is not None and by not in sharers and when <= self.until:
                sharers.add(by)
                self._schedule(when, self._share, thread, by)
        return len(sharers)

    def _comments(self, kwip: Kwip, thread: Thread, moment: int) -> list[tuple[int, int, str]]:
        """The comments of the kwip as (moment, author, text), in order."""
        comments: list[tuple[int, int, str]] = []
        if self.chance.random() >= self.talkative:
            return comments
        wanted = min(int(self.chance.paretovariate(1.4)), self.home.shape.longest)
        for exchange in islice(self.talk.exchanges(kwip), wanted + 5):
            moment = clock.awake(
                moment + int(self.chance.lognormvariate(-0.9, 1.2) * clock.HOUR), self.chance
            )
            moment = self._exchange(kwip, thread, exchange, moment, comments)
            if moment > self.until or len(comments) >= wanted:
                break
        return comments

    def _exchange(
        self,
        kwip: Kwip,
        thread: Thread,
        exchange: Exchange,
        moment: int,
        comments: list[tuple[int, int, str]],
    ) -> int:
        """Adds the comments of an exchange up to the end; returns the moment after them."""
        first = self._speaker(thread, kwip, moment)
        if first is None:
            return moment
        last = thread.author
        for index, (who, _) in enumerate(exchange.comments):
            by = {"": first, "<": first, ">": thread.author}.get(who)
            if by is None:
                by = self._speaker(thread, kwip, moment)
            if by is None or moment > self.until or (who == "+" and by == first):
                break
            to = first if who == ">" else last
            words = self.talk.comment(kwip, exchange, index, self.people[by], self.people[to])
            comments.append((moment, by, words))
            last = by
            moment += int(self.chance.lognormvariate(0, 1) * clock.HOUR / 5) + clock.SECOND
        return moment
