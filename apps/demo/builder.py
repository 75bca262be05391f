"""The people of a community, their activity, and the tables of their rows."""

from array import array
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Model

from apps.accounts.models import User
from apps.accounts.validators import reserved_names
from apps.demo import clock, network, people
from apps.demo.bulk_copy import NULL, Table, escaped
from apps.demo.grammar import Book
from apps.demo.people import Person
from apps.demo.rng import seeded_random
from apps.graph.models import Follow
from apps.kwips.models import Favourite, Kwip, KwipTag, Mention, Revision, Share, Tag

DEMO, DEMO_EMAIL, DEMO_PASSWORD = "demo", "demo@kwippy.example", "happykwipping"
NUMBERED = (User, EmailAddress, Follow, Kwip, Tag, Favourite, Revision)
FILLED = (*NUMBERED, KwipTag, Mention, Share)
LARGE = (Follow, Kwip, KwipTag, Mention, Favourite, Revision, Share)  # loaded without indexes

# Indexes in the order of joining.
FIRST, CELEBRITY, READER = 0, 1, 2
_JOINED_BEFORE = 0.6
_DEMO_FOLLOWS = 40


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a community, and its period in microseconds of Unix time."""

    people: int
    seed: int
    since: int
    until: int
    following: float  # average number of followees
    talkative: float  # share of kwips with comments
    longest: int  # maximum number of comments
    demo: bool = False


@dataclass(slots=True)
class Counts:
    """The counters of people, by index."""

    kwips: array[int]
    comments: array[int]
    favourites: array[int]

    @classmethod
    def of(cls, number: int) -> "Counts":
        return cls(*(array("l", bytes(8 * number)) for _ in range(3)))


class Community:
    """People, their network, and tables. ``ids`` has the first free id of each table."""

    def __init__(self, shape: Shape, book: Book, ids: Mapping[type[Model], int]) -> None:
        self.shape = shape
        self.book = book
        self.counts = Counts.of(shape.people)
        self.user_rows = Table(User, _USER, first_id=ids[User])
        self.email_rows = Table(EmailAddress, _EMAIL, first_id=ids[EmailAddress])
        self.follow_rows = Table(Follow, _FOLLOW, first_id=ids[Follow])
        self.kwip_rows = Table(Kwip, _KWIP, first_id=ids[Kwip])
        self.favourite_rows = Table(Favourite, _FAVOURITE, first_id=ids[Favourite])
        self.share_rows = Table(Share, _SHARE)
        self.revision_rows = Table(Revision, _REVISION, first_id=ids[Revision])
        self.tag_rows = Table(Tag, ("id", "name"), first_id=ids[Tag])
        self.kwip_tag_rows = Table(KwipTag, ("tag_id", "kwip_id"))
        self.mention_rows = Table(Mention, ("kwip_id", "user_id"))
        self.tables = (
            self.user_rows, self.email_rows, self.follow_rows, self.kwip_rows, self.favourite_rows,
            self.share_rows, self.revision_rows, self.tag_rows, self.kwip_tag_rows, self.mention_rows,
        )  # fmt: skip
        self._tags = dict(Tag.objects.values_list("name", "id"))
        self._generate_people(ids[User])

    def _generate_people(self, first_id: int) -> None:
        shape = self.shape
        chance = seeded_random(shape.seed, "people")
        self._joined = _joining(shape)
        taken = reserved_names() | {DEMO} | set(User.objects.values_list("username", flat=True))
        self.people = people.invent(
            first_id=first_id, joined=self._joined, book=self.book, taken=taken, chance=chance
        )
        if shape.demo:
            _make_demo_account(self.people[FIRST])
        activity, popularity = self._weights()
        self.early = list(accumulate(activity))
        awake = (0 if who.dormant else much for who, much in zip(self.people, activity, strict=True))
        self.late = list(accumulate(awake))
        self.speakers: dict[str, list[int]] = {topic.language: [] for topic in self.book.topics}
        for index, person in enumerate(self.people):
            for language in person.languages:
                self.speakers[language].append(index)
        self.network = network.Network(self.people)
        sizes = {READER: network.FOLLOWING_LIMIT} | ({FIRST: _DEMO_FOLLOWS} if shape.demo else {})
        self._edges = partial(
            network.draw, self.people, popularity=popularity, average=shape.following, until=shape.until,
            chance=seeded_random(shape.seed, "network"), sizes=sizes, celebrity=CELEBRITY,
        )  # fmt: skip

    def _weights(self) -> tuple[list[float], list[float]]:
        """The activity and the popularity of each person: correlated power laws."""
        chance = seeded_random(self.shape.seed, "weights")
        ranks = list(range(len(self.people)))
        chance.shuffle(ranks)
        activity = [(rank + 12) ** -0.9 for rank in ranks]
        popularity = [much**0.8 * chance.lognormvariate(0, 0.9) for much in activity]
        if self.shape.demo:
            # Somewhat above the average.
            activity[FIRST] = sum(activity) / len(activity) * 1.5
            popularity[FIRST] = sum(popularity) / len(popularity) * 1.5
        return activity, popularity

    def follow(self) -> Iterable[None]:
        """Adds all follows; yields after each."""
        for moment, follower, followee in self._edges():
            self.network.add(moment, follower, followee)
            self.follow_rows.new(self.people[follower].id, self.people[followee].id, clock.stamp(moment))
            yield

    def joined_at(self, moment: int) -> int:
        """How many people had joined at the moment."""
        return bisect(self._joined, moment)

    def tag_id(self, name: str) -> int:
        """The id of the tag; adds new tags."""
        if name not in self._tags:
            self._tags[name] = self.tag_rows.new(escaped(name))
        return self._tags[name]

    def register(self) -> None:
        """Adds the rows of people and of their addresses. The counters must be final."""
        chance = seeded_random(self.shape.seed, "passwords")
        counts, following = self.counts, self.network
        for index, person in enumerate(self.people):
            demo = person.username == DEMO
            email = DEMO_EMAIL if demo else f"{person.username}@kwippy.example"
            # "!" disables the password; the rest makes reset links differ.
            password = make_password(DEMO_PASSWORD) if demo else f"!{chance.getrandbits(160):040x}"
            self.user_rows.new(
                escaped(password), NULL, "f", person.username, email, escaped(person.display_name),
                escaped(person.bio), "",
                counts.kwips[index], counts.comments[index], counts.favourites[index],
                len(following.followers[index]), len(following.following[index]), "t", "f",
                clock.stamp(person.joined),
            )  # fmt: skip
            self.email_rows.new(email, "t", "t", person.id)


_USER = (
    "id", "password", "last_login", "is_superuser", "username", "email", "display_name", "bio", "picture",
    "kwips_count", "comments_count", "favourites_count", "followers_count", "following_count", "is_active",
    "is_staff", "joined_at",
)  # fmt: skip
_FOLLOW = ("id", "follower_id", "followee_id", "created_at")
_FAVOURITE = ("id", "user_id", "kwip_id", "created_at")
_SHARE = ("id", "sharer_id", "kwip_id", "author_id", "created_at")
_REVISION = ("id", "kwip_id", "text", "written_at")
_EMAIL = ("id", "email", "verified", "primary", "user_id")
_KWIP = (
    "id", "author_id", "thread_id", "text", "audience_id", "visibility", "form_key", "created_at",
    "edited_at", "last_active_at", "version", "comments_count", "favourites_count",
    "shares_count",
)  # fmt: skip


def _make_demo_account(person: Person) -> None:
    person.username = person.call = DEMO
    person.display_name = "Demo"
    person.bio = "the account to try things with. be anyone you like in it. happy kwipping :)"
    person.dormant = False


def _joining(shape: Shape) -> list[int]:
    """Sorted times of joining: most in the year before ``since``, the others until the end."""
    chance = seeded_random(shape.seed, "joining")
    before = max(1, int(shape.people * _JOINED_BEFORE))
    early = (shape.since - 1 - int(chance.random() * 365 * clock.DAY) for _ in range(before))
    span = shape.until - shape.since
    late = (shape.since + int(chance.random() * span) for _ in range(shape.people - before))
    return sorted(early) + sorted(late)


def first_ids(*, empty: bool) -> dict[type[Model], int]:
    """The first free id of each table; if the database is ``empty``, regardless of sequences."""
    ids: dict[type[Model], int] = {}
    with connection.cursor() as cursor:
        for model in NUMBERED:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            (sequence,) = cursor.fetchone()
            cursor.execute(f"SELECT last_value + is_called::int FROM {sequence}")  # noqa: S608 - no input
            (free,) = cursor.fetchone()
            cursor.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")  # noqa: S608 - no input
            (unused,) = cursor.fetchone()
            ids[model] = unused if empty else max(free, unused)
    return ids


def set_sequences(tables: Iterable[Table]) -> None:
    """Sets the sequences to the ids after these rows."""
    numbered = {model._meta.db_table for model in NUMBERED}
    with connection.cursor() as cursor:
        for table in tables:
            if table.name in numbered:
                name = connection.ops.quote_name(table.name)
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [name, table.next_id]
                )
