"""Search of kwips against a naive reading, over random communities and queries."""

import datetime
import random
import uuid
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qsl

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import User
from apps.graph.models import Block, Follow, Mute
from apps.keyset import Page
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.kwips.visibility import VisibleTo
from apps.search import queries
from apps.search.query import parse

# Each word in its spellings; a text uses any of them.
VOCABULARY = [
    ("tea", "TEA", "Téa"),
    ("milk", "Milk"),
    ("茶", "茶"),
    ("चाय", "चाय"),
    ("شاي", "شَاي"),
    ("straße", "STRASSE"),
]
TAGS = ("cups", "мир")
NAMES = ("ann", "bob", "cee")


class Said(NamedTuple):
    """What a kwip says, by the numbers of its words."""

    words: list[int]
    tags: set[str]
    author: str


texts = st.lists(st.integers(0, len(VOCABULARY) - 1), min_size=1, max_size=5)
kwips = st.tuples(
    texts,
    st.sampled_from(NAMES),
    st.booleans(),  # for followers
    st.one_of(st.none(), st.integers(0, 5)),  # a comment on this kwip
    st.sets(st.sampled_from(TAGS), max_size=1),
    st.integers(0, 9_000),  # ids that are left out before it
)
terms = st.one_of(
    st.tuples(st.just("word"), st.lists(st.integers(0, len(VOCABULARY) - 1), min_size=1, max_size=1)),
    st.tuples(st.just("phrase"), st.lists(st.integers(0, len(VOCABULARY) - 1), min_size=1, max_size=3)),
    st.tuples(st.just("tag"), st.sampled_from(TAGS)),
)
branches = st.lists(
    st.tuples(terms, st.lists(st.tuples(terms, st.booleans()), max_size=2)), min_size=1, max_size=2
)
pairs = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=3)


def spelled(number: int, chance: random.Random) -> str:
    return chance.choice(VOCABULARY[number])


def written(term, chance: random.Random) -> str:
    kind, what = term
    if kind == "tag":
        return f"#{what}"
    words = " ".join(spelled(number, chance) for number in what)
    return f'"{words}"' if kind == "phrase" else words


def holds(term, words: list[int], tags: set[str]) -> bool:
    kind, what = term
    if kind == "tag":
        return what in tags
    return any(words[at : at + len(what)] == what for at in range(len(words)))


def walked(text: str, viewer: User | None) -> tuple[list[list[int]], list[list[int]]]:
    """The ids of all pages, onward to the last and back."""

    def page(query: str) -> Page:
        arguments = dict(parse_qsl(query.removeprefix("?")))
        return queries.kwips(parse(text), arguments, viewer=viewer, keep={"q": text})

    onward = [page("")]
    while onward[-1].next:
        onward.append(page(onward[-1].next))
    back = [onward[-1]]
    while back[-1].previous:
        back.append(page(back[-1].previous))
    return [[entry.id for entry in one] for one in onward], [
        [entry.id for entry in one] for one in back[::-1]
    ]


def spelled_out(numbers: list[int], tags: set[str], chance: random.Random) -> str:
    return " ".join([spelled(number, chance) for number in numbers] + [f"#{tag}" for tag in tags])


def typed(asked, chance: random.Random) -> str:
    """The query as a visitor types it."""
    return " or ".join(
        " ".join(
            [written(first, chance)]
            + [("-" if excluded else "") + written(term, chance) for term, excluded in others]
        )
        for first, others in asked
    )


def related(people: dict[str, User], follows, blocks, mutes) -> None:
    for model, fields, found in (
        (Follow, ("follower", "followee"), follows),
        (Block, ("blocker", "blocked"), blocks),
        (Mute, ("muter", "muted"), mutes),
    ):
        for one, other in found:
            if one != other:
                model.objects.create(**dict(zip(fields, (people[one], people[other]), strict=True)))


def published(people: dict[str, User], community, chance: random.Random) -> dict[int, Said]:
    """Publishes the community's kwips and comments, some of which are edited; returns their words by id."""
    said: dict[int, Said] = {}
    roots: list[Kwip] = []
    for numbers, name, followers_only, thread, tags, gap in community:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('kwips_kwip_id_seq')")
            cursor.execute("SELECT setval('kwips_kwip_id_seq', %s)", [cursor.fetchone()[0] + gap])
        new: dict[str, Any] = {
            "author": people[name],
            "text": spelled_out(numbers, tags, chance),
            "form_key": uuid.uuid4(),
        }
        if thread is not None and thread < len(roots):
            made = actions.comment(thread=roots[thread], **new).kwip
        else:
            made = actions.publish(followers_only=followers_only, **new).kwip
            roots.append(made)
        if chance.random() < 0.2:
            numbers = numbers[::-1]
            actions.edit(kwip=made, text=spelled_out(numbers, tags, chance))
        said[made.pk] = Said(numbers, tags, name)
    return said


def matches(asked, said: Said) -> bool:
    return any(
        holds(first, said.words, said.tags)
        and all(holds(term, said.words, said.tags) != excluded for term, excluded in others)
        for first, others in asked
    )


class SearchTests(TestCase):
    @settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(kwips, min_size=1, max_size=14),
        branches,
        st.tuples(pairs, pairs, pairs),  # who follows, blocks, mutes whom
        st.sampled_from((None, *NAMES)),
        st.sampled_from((None, *NAMES)),
        st.integers(1, 4),
        st.randoms(use_true_random=False),
        st.sets(st.sampled_from(NAMES), max_size=1),
    )
    def test_it_finds_what_a_naive_reading_finds_newest_first_both_ways(
        self, community, asked, relations, viewer_name, author, size, chance, limited
    ) -> None:
        people = {name: User.objects.create_user(name, f"{name}@example.org") for name in NAMES}
        said = published(people, community, chance)
        related(people, *relations)  # later: no one comments across a block
        User.objects.filter(username__in=limited).update(is_limited=True)
        viewer = people[viewer_name] if viewer_name else None
        visible = Kwip.objects.filter(VisibleTo(viewer.pk if viewer else None))
        left_out = {other for one, other in relations[2] if one == viewer_name and one != other} | limited
        expected = [
            pk
            for pk in visible.order_by("-pk").values_list("pk", flat=True)
            if said[pk].author not in left_out
            and (author is None or said[pk].author == author)
            and matches(asked, said[pk])
        ]
        text = f"from:{author} " * bool(author) + typed(asked, chance)
        with patch.object(queries, "PAGE_SIZE", size):
            onward, back = walked(text, viewer)
        assert [pk for page in onward for pk in page] == expected, text
        assert back == onward, text

    @settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.dates(datetime.date(2005, 1, 1), datetime.date(2026, 1, 1)), min_size=1, max_size=8),
        st.one_of(st.none(), st.dates(datetime.date(2004, 1, 1), datetime.date(2026, 2, 1))),
        st.one_of(st.none(), st.dates(datetime.date(2004, 1, 1), datetime.date(2026, 2, 1))),
    )
    def test_days_are_from_the_one_on_and_earlier_than_the_other(self, days, after, before) -> None:
        if after and before and after >= before:
            return
        ann = User.objects.create_user("ann", "ann@example.org")
        found = {}
        for day in days:
            kwip = actions.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip
            moment = datetime.datetime.combine(day, datetime.time(23, 59), datetime.UTC)
            Kwip.objects.filter(pk=kwip.pk).update(created_at=moment)
            actions.edit(kwip=kwip, text="tea again")
            found[kwip.pk] = day
        text = "tea" + (f" after:{after}" if after else "") + (f" before:{before}" if before else "")
        expected = {
            pk for pk, day in found.items() if (not after or day >= after) and (not before or day < before)
        }
        assert {pk for page in walked(text, ann)[0] for pk in page} == expected, text
