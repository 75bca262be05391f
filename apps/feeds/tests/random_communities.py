"""Random small communities, and the naive implementation of each timeline."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F, Model
from hypothesis import strategies as st

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.feeds import queries
from apps.feeds.queries import Timeline
from apps.graph.models import Block, Follow, Mute, MutedConversation, MutedWord
from apps.graph.muting import Kind
from apps.kwips.models import Bookmark, Favourite, Kwip, KwipTag, Share, Tag

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
PEOPLE = range(1, 5)
TAGS = ("tea", "milk")
WORDS = ("tea", "café", "star wars")
# Texts that have one of the words, or look as if.
TEXTS = {"tea": "a cup of TÉA.", "café": "cafe!", "star wars": "Star-Wars", None: "teapot, cafés, #kettle"}
# The distance of ids, so that a test can insert a kwip between two others.
STEP = 10

# Above what `shared.sql` takes for many shares.
MANY_SHARES = 1_000

type Pair = tuple[int, int]


@dataclass(frozen=True)
class Written:
    """A generated kwip; `thread` is the index of its thread in the list, None if it is not a comment."""

    author: int
    thread: int | None
    followers_only: bool
    minute: int
    tag: str | None
    word: str | None = None


# How something is muted; a mute that ended counts nowhere.
WAYS = ("silenced", "muffled", "ended")


@dataclass(frozen=True)
class Shared:
    """``sharer`` shares the kwip ``kwip_id``, which ``author`` wrote."""

    sharer: int
    kwip_id: int
    author: int


@dataclass
class Community:
    follows: set[Pair]
    blocks: set[Pair]
    mutes: set[Pair]
    written: list[Written]
    favourites: list[Pair]
    deleted: set[int]
    off: set[int] = field(default_factory=set)
    # People and the places of kwips, in the order of the shares.
    sharing: list[Pair] = field(default_factory=list)
    bookmarks: list[Pair] = field(default_factory=list)
    is_viral: bool = False
    # The way by who mutes what.
    muting: dict[tuple[int, str, int], str] = field(default_factory=dict)
    shares: dict[int, Shared] = field(default_factory=dict)
    kwips: dict[int, Kwip] = field(default_factory=dict)

    def build(self) -> None:
        """Inserts the rows; `kwips` has those that are not deleted."""
        User.objects.bulk_create(
            User(
                pk=person,
                username=f"person{person}",
                email=f"{person}@example.org",
                is_active=person not in self.off,
                following_count=sum(follower == person for follower, _ in self.follows),
            )
            for person in PEOPLE
        )
        Follow.objects.bulk_create(Follow(follower_id=a, followee_id=b) for a, b in sorted(self.follows))
        Block.objects.bulk_create(Block(blocker_id=a, blocked_id=b) for a, b in sorted(self.blocks))
        Mute.objects.bulk_create(Mute(muter_id=a, muted_id=b) for a, b in sorted(self.mutes))
        Tag.objects.bulk_create(Tag(pk=place, name=name) for place, name in enumerate(TAGS, start=1))
        self._add({(place + 1) * STEP: written for place, written in enumerate(self.written)})
        Favourite.objects.bulk_create(
            (Favourite(user_id=person, kwip_id=(place + 1) * STEP) for person, place in self.favourites),
        )
        Bookmark.objects.bulk_create(
            (Bookmark(user_id=person, kwip_id=(place + 1) * STEP) for person, place in self.bookmarks),
        )
        shared = []
        for number, (person, place) in enumerate(self.sharing):
            # Between the kwips, at some distance after the kwip.
            above = (place + 1 + number % 5) * STEP
            free = next(i for i in range(above + 1, 2**30) if self.is_free(i))
            shared += self._shared(person, (place + 1) * STEP, free)
        self._store(shared)
        if self.deleted:
            self.delete(*((place + 1) * STEP for place in self.deleted))
        for muting, way in [*self.muting.items()]:
            self.mute(*muting, way)

    def mute(self, muter: int, kind: str, about: int, way: str) -> None:
        """Mutes a person, a word, a tag or a conversation: for ever, or until some time ago."""
        self.unmute(muter, kind, about)
        model, what = _muted(kind, about)
        ends_at = LONG_AGO if way == "ended" else None
        model._default_manager.create(muter_id=muter, ends_at=ends_at, is_muffled=way == "muffled", **what)
        self.muting[muter, kind, about] = way
        if kind == "person" and way == "silenced":
            self.mutes.add((muter, about))

    def unmute(self, muter: int, kind: str, about: int) -> None:
        model, what = _muted(kind, about)
        model._default_manager.filter(muter=muter, **what).delete()
        self.muting.pop((muter, kind, about), None)
        if kind == "person":
            self.mutes.discard((muter, about))

    def is_heard(self, kwip: Kwip, viewer: int, *, inside: bool = False) -> bool:
        """Whether the viewer silences neither its author nor anything of it."""
        return (viewer, kwip.author_id) not in self.mutes and not self.is_silent(kwip, viewer, inside=inside)

    def is_silent(self, kwip: Kwip, viewer: int, *, inside: bool = False) -> bool:
        """Whether the viewer silences a word, a tag or, unless it is read `inside`, the conversation."""
        if kwip.author_id == viewer:
            return False
        silenced = {
            (kind, about)
            for (muter, kind, about), way in self.muting.items()
            if muter == viewer and way == "silenced"
        }
        tags = set(KwipTag.objects.filter(kwip=kwip.pk).values_list("tag_id", flat=True))
        words = [word for kind, word in silenced if kind == "word"]
        # Late kwips have places between those of conversations that can be silenced.
        conversation, between = divmod(kwip.thread_id or kwip.pk, STEP)
        return (
            (not inside and not between and ("conversation", conversation) in silenced)
            or any(("tag", pk - 1) in silenced for pk in tags)
            or any(TEXTS[WORDS[word]] == kwip.text for word in words)
        )

    def is_free(self, place: int) -> bool:
        return place % STEP != 0 and place not in self.shares and place not in self.kwips

    def share(self, sharer: int, kwip_id: int, place: int) -> None:
        """Shares the kwip with the id ``place``, as `share.sql` does."""
        self._store(self._shared(sharer, kwip_id, place))

    def _shared(self, sharer: int, kwip_id: int, place: int) -> list[Share]:
        """The row of a share, if it may be."""
        kwip = self.kwips[kwip_id]
        there = {(share.sharer, share.kwip_id) for share in self.shares.values()}
        if kwip.thread_id or kwip.followers_only or kwip.author_id == sharer or (sharer, kwip_id) in there:
            return []
        self.shares[place] = Shared(sharer, kwip_id, kwip.author_id)
        return [Share(pk=place, sharer_id=sharer, kwip_id=kwip_id, author_id=kwip.author_id)]

    def _store(self, shares: list[Share]) -> None:
        Share.objects.bulk_create(shares)
        for kwip_id, count in Counter(share.kwip_id for share in shares).items():
            Kwip.objects.filter(pk=kwip_id).update(
                shares_count=F("shares_count") + count * (MANY_SHARES if self.is_viral else 1)
            )

    def unshare(self, place: int) -> None:
        Share.objects.filter(pk=place).delete()
        del self.shares[place]

    def add(self, kwip_id: int, written: Written) -> None:
        self._add({kwip_id: written})

    def _add(self, added: dict[int, Written]) -> None:
        for kwip_id, written in added.items():
            self.kwips[kwip_id] = self._kwip(kwip_id, written)
        Kwip.objects.bulk_create([self.kwips[kwip_id] for kwip_id in added])
        KwipTag.objects.bulk_create(
            KwipTag(tag_id=TAGS.index(written.tag) + 1, kwip_id=kwip_id)
            for kwip_id, written in added.items()
            if written.tag
        )

    def _kwip(self, kwip_id: int, written: Written) -> Kwip:
        thread = None if written.thread is None else self.kwips[(written.thread + 1) * STEP]
        audience = written.author if written.followers_only else None
        at = NOON + datetime.timedelta(minutes=written.minute)
        return Kwip(
            pk=kwip_id,
            author_id=written.author,
            thread=thread,
            audience_id=audience if thread is None else thread.audience_id,
            visibility=written.followers_only if thread is None else thread.visibility,
            withheld=written.author in self.off,
            text=TEXTS[written.word],
            created_at=at,
            last_active_at=at,
        )

    def delete(self, *kwip_ids: int) -> None:
        Kwip.objects.filter(pk__in=kwip_ids).delete()
        self.kwips = {
            pk: kwip for pk, kwip in self.kwips.items() if not {pk, kwip.thread_id}.intersection(kwip_ids)
        }
        self.shares = {place: share for place, share in self.shares.items() if share.kwip_id in self.kwips}

    @property
    def newest(self) -> int:
        return max([*self.kwips, *self.shares], default=0)

    def is_visible(self, kwip: Kwip, viewer: int) -> bool:
        thread = self.kwips.get(kwip.thread_id or 0)
        if kwip.author_id in self.off:
            return False
        if thread is not None and not self.is_visible(thread, viewer):
            return False
        circle = kwip.audience_id
        admitted = circle is None or viewer in (circle, kwip.author_id) or (viewer, circle) in self.follows
        between = {(viewer, kwip.author_id), (kwip.author_id, viewer)}
        return admitted and not between & self.blocks

    def network_shares(self, viewer: int) -> list[int]:
        """A kwip is in a network once, where the viewer could have seen it first: at its own place if they
        follow its author, else at its first share by someone whom they follow and hear.
        """

        def is_heard(person: int) -> bool:
            between = {(viewer, person), (person, viewer)}
            return person not in self.off and (viewer, person) not in self.mutes and not between & self.blocks

        def is_in_network(person: int) -> bool:
            return person == viewer or (viewer, person) in self.follows

        first: dict[int, int] = {}
        for place, share in sorted(self.shares.items()):
            if is_in_network(share.sharer) and is_heard(share.sharer) and not is_in_network(share.author):
                first.setdefault(share.kwip_id, place)
        return [
            place
            for kwip_id, place in first.items()
            if (kwip := self.kwips[kwip_id]).audience_id is None
            and self.is_visible(kwip, viewer)
            and is_heard(kwip.author_id)
            and not self.is_silent(kwip, viewer)
        ]

    def expected(self, name: str, viewer: int, about: int) -> list[int]:
        """The positions of a timeline in order. ``about`` selects the person, tag or thread."""
        seen = [kwip for kwip in self.kwips.values() if self.is_visible(kwip, viewer)]
        own = [kwip for kwip in seen if kwip.thread_id is None]
        heard = [kwip for kwip in own if self.is_heard(kwip, viewer)]
        network = [
            kwip for kwip in heard if kwip.author_id == viewer or (viewer, kwip.author_id) in self.follows
        ]
        kind, _, sort = name.partition(" ")
        if kind == "favourites":
            rows = Favourite.objects.filter(user_id=self._unblocked(about, viewer)).order_by("-pk")
            visible = {kwip.pk for kwip in seen}
            return [row.pk for row in rows if row.kwip_id in visible]
        if kind == "bookmarks":
            kept = Bookmark.objects.filter(user_id=viewer).order_by("-pk")
            visible = {kwip.pk for kwip in seen}
            return [row.pk for row in kept if row.kwip_id in visible]
        if kind == "shares":
            everyones = {kwip.pk for kwip in own if kwip.audience_id is None}
            shares = sorted(self.shares.items(), reverse=True)
            person = self._unblocked(about, viewer)
            return [place for place, it in shares if it.sharer == person and it.kwip_id in everyones]
        if kind == "tag":
            tagged = set(KwipTag.objects.filter(tag__name=_tag(about)).values_list("kwip_id", flat=True))
            return _newest_first(k for k in seen if k.pk in tagged and self.is_heard(k, viewer))
        if kind == "conversation":
            return _newest_first(
                kwip
                for kwip in seen
                if kwip.thread_id == self._thread(about) and self.is_heard(kwip, viewer, inside=True)
            )[::-1]
        if kind == "comments":
            return _newest_first(k for k in seen if k.thread_id and k.author_id == _person(about))
        of_person = [kwip for kwip in own if kwip.author_id == _person(about)]
        found = {"everyone": heard, "network": network, "person": of_person}[kind]
        if sort == queries.ACTIVE:
            return [k.pk for k in sorted(found, key=lambda k: (k.last_active_at, k.pk), reverse=True)]
        if kind == "network":
            return sorted([*_newest_first(found), *self.network_shares(viewer)], reverse=True)
        return _newest_first(found)

    def _unblocked(self, about: int, viewer: int) -> int:
        """The person whose list it is, 0 if a block is between the two."""
        person = _person(about)
        return 0 if {(viewer, person), (person, viewer)} & self.blocks else person

    def timeline(self, name: str, viewer: int, about: int) -> Timeline:
        """The implementation under test."""
        kind, _, sort = name.partition(" ")
        viewer_id = viewer or None
        count = sum(follower == viewer for follower, _ in self.follows)
        match kind:
            case "everyone":
                return queries.everyone(viewer_id=viewer_id, sort=sort)
            case "network":
                return queries.network(viewer_id=viewer, following_count=count, sort=sort)
            case "news":
                return queries.network_unseen(viewer_id=viewer, following_count=count)
            case "person":
                return queries.person(viewer_id=viewer_id, person_id=_person(about), sort=sort)
            case "comments":
                return queries.comments(viewer_id=viewer_id, person_id=_person(about))
            case "favourites":
                return queries.favourites(viewer_id=viewer_id, person_id=_person(about))
            case "shares":
                return queries.shares(viewer_id=viewer_id, person_id=_person(about))
            case "bookmarks":
                return queries.bookmarks(viewer_id=viewer)
            case "tag":
                return queries.tag(viewer_id=viewer_id, name=_tag(about))
        return queries.conversation(viewer_id=viewer_id, thread_id=self._thread(about))

    def _thread(self, about: int) -> int:
        """A kwip with comments, if there is one."""
        threads = sorted({kwip.thread_id for kwip in self.kwips.values() if kwip.thread_id})
        return threads[about % len(threads)] if threads else about


NAMES = (
    "everyone", "everyone active", "network", "network active", "person", "person active",
    "comments", "favourites", "tag", "conversation", "shares", "bookmarks",
)  # fmt: skip


def _person(about: int) -> int:
    return about % len(PEOPLE) + 1


def _tag(about: int) -> str:
    return TAGS[about % len(TAGS)]


def _newest_first(kwips: Iterable[Kwip]) -> list[int]:
    return sorted((kwip.pk for kwip in kwips), reverse=True)


@st.composite
def written(draw: st.DrawFn, place: int = 0) -> Written:
    """A kwip, or a comment on one of the first ``place`` kwips (see `communities`)."""
    return Written(
        author=draw(st.sampled_from(PEOPLE)),
        thread=draw(st.none() | st.integers(0, place - 1)) if place else None,
        followers_only=draw(st.booleans()),
        # Few different minutes, to have ties in the order by activity.
        minute=draw(st.integers(0, 4)),
        tag=draw(st.none() | st.sampled_from(TAGS)),
        word=draw(st.none() | st.sampled_from(WORDS)),
    )


@st.composite
def communities(draw: st.DrawFn) -> Community:
    pairs = st.sets(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)).filter(lambda pair: pair[0] != pair[1]),
        max_size=6,
    )
    kwips: list[Written] = []
    for place in range(draw(st.sampled_from((0, 1, 3, 6, 12, 18, 24)))):
        drawn = draw(written(place))
        if drawn.thread is not None and kwips[drawn.thread].thread is not None:
            drawn = replace(drawn, thread=None)
        kwips.append(drawn)
    places = st.integers(0, max(0, len(kwips) - 1))
    likes = st.lists(st.tuples(st.sampled_from(PEOPLE), places), max_size=12, unique=True)
    sharing = st.lists(st.tuples(st.sampled_from(PEOPLE), places), max_size=30)
    return Community(
        follows=draw(pairs | st.just({(a, b) for a in PEOPLE for b in PEOPLE if a != b})),
        blocks=draw(st.just(set()) | pairs),
        mutes=draw(st.just(set()) | pairs),
        written=kwips,
        favourites=draw(likes) if kwips else [],
        deleted=draw(st.sets(places, max_size=4)) if kwips else set(),
        off=draw(st.just(set()) | st.sets(st.sampled_from(PEOPLE), max_size=2)),
        sharing=draw(st.just([]) | sharing) if kwips else [],
        bookmarks=draw(likes) if kwips else [],
        is_viral=draw(st.booleans()),
        muting=draw(st.just({}) | st.dictionaries(_mutings(), st.sampled_from(WAYS), max_size=4)),
    )


def _muted(kind: str, about: int) -> tuple[Kind, dict[str, Any]]:
    """The row of a mute: its model, and whom or what it mutes."""
    match kind:
        case "person":
            return Mute, {"muted_id": about}
        case "conversation":
            return MutedConversation, {"kwip_id": about * STEP}
        case "tag":
            return MutedWord, {"word": f"#{TAGS[about]}", "folded": TAGS[about], "is_tag": True}
    return MutedWord, {"word": WORDS[about], "folded": WORDS[about].replace("é", "e"), "is_tag": False}


def _mutings() -> st.SearchStrategy[tuple[int, str, int]]:
    people = st.permutations(PEOPLE).map(lambda people: (people[0], "person", people[1]))
    return st.one_of(
        people,
        st.tuples(st.sampled_from(PEOPLE), st.just("conversation"), st.integers(1, 24)),
        st.tuples(st.sampled_from(PEOPLE), st.just("word"), st.integers(0, len(WORDS) - 1)),
        st.tuples(st.sampled_from(PEOPLE), st.just("tag"), st.integers(0, len(TAGS) - 1)),
    )


CHANGES = (
    "publish", "delete", "switch", "follow", "mute", "block", "share", "unshare", "unshare", "mute", "edit",
)  # fmt: skip


def change(community: Community, data: st.DataObject, *, above: int) -> None:
    """One random write: a kwip above an id, a deletion, a person's state, or a change of the graph."""
    one, other = data.draw(st.permutations(PEOPLE))[:2]
    pair = one, other
    match data.draw(st.sampled_from(CHANGES)):
        case "publish":
            community.add(above + STEP, data.draw(written()))
        case "delete" if community.kwips:
            community.delete(data.draw(st.sampled_from(sorted(community.kwips))))
        case "share" if community.kwips:
            community.share(one, data.draw(st.sampled_from(sorted(community.kwips))), above + 1)
        case "unshare" if community.shares:
            community.unshare(data.draw(st.sampled_from(sorted(community.shares))))
        case "switch":
            _switch(community, one)
        case "follow":
            _toggle(Follow, community.follows, pair, "follower_id", "followee_id")
        case "mute":
            _mute_or_unmute(community, data)
        case "edit" if community.kwips:
            _edit(community, data)
        case "block":
            _toggle(Block, community.blocks, pair, "blocker_id", "blocked_id")


def _switch(community: Community, one: int) -> None:
    person = User.objects.get(pk=one)
    if person.is_active:
        accounts.switch_off(people=[person], by=None)
    else:
        accounts.switch_on(people=[person], by=None)
    community.off ^= {one}


def _mute_or_unmute(community: Community, data: st.DataObject) -> None:
    muting = data.draw(_mutings())
    is_mute = muting[1] == "person" and (muting[0], muting[2]) in community.mutes
    if is_mute or muting in community.muting:
        community.unmute(*muting)
    else:
        community.mute(*muting, data.draw(st.sampled_from(WAYS)))


def _edit(community: Community, data: st.DataObject) -> None:
    kwip = community.kwips[data.draw(st.sampled_from(sorted(community.kwips)))]
    kwip.text = TEXTS[data.draw(st.none() | st.sampled_from(WORDS))]
    kwip.save()


def _toggle(model: type[Model], pairs: set[Pair], pair: Pair, *names: str) -> None:
    row = dict(zip(names, pair, strict=True))
    if pair in pairs:
        model._default_manager.filter(**row).delete()
    else:
        model._default_manager.create(**row)
    pairs ^= {pair}
