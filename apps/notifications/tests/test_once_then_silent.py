"""Once, then silent until the person was back: against a naive reading, and under concurrency."""

import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions
from apps.kwips.events import Visited, visited
from apps.kwips.models import Favourite, Kwip, Track
from apps.kwips.tracking import set_tracking
from apps.notifications.events import NewNotice
from apps.notifications.models import Notice
from tests.support.concurrency import at_once, uncommitted

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("ann", "bob", "cee")
_who = st.sampled_from(NAMES)
_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["comment", "comment, rolled back", "visit", "track", "untrack"]), _who),
        st.tuples(st.just("mention"), _who, _who),
        st.tuples(st.just("mention, rolled back"), _who, _who),
    ),
    max_size=25,
)


class Naive:
    """The rule, read naively: who tracks, and for whom a notice waits."""

    def __init__(self, author: str) -> None:
        self.tracking = defaultdict(bool, {author: True})
        self.waiting: set[str] = set()
        self.author = author

    def comment(self, by: str, mentioned: str = "") -> set[tuple[str, str]]:
        notified = {(mentioned, "mention")} if mentioned and mentioned != by else set()
        for name in NAMES:
            if name not in (by, mentioned) and self.tracking[name] and name not in self.waiting:
                notified.add((name, "comment" if name == self.author else "tracked"))
        self.waiting |= {name for name, _ in notified}
        return notified


class RolledBack(Exception):
    pass


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    return {name: User.objects.create_user(name, f"{name}@example.org") for name in NAMES}


def publish(author: User) -> Kwip:
    return actions.publish(author=author, text="tea", form_key=uuid.uuid4()).kwip


def say(author: User, thread: Kwip, text: str = "milk?") -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


def visit(person: User, thread: Kwip) -> set[int]:
    """Opens the conversation. Returns the comments that its page has."""
    visited.emit(Visited(person, thread.pk))
    return set(Kwip.objects.filter(thread=thread).values_list("pk", flat=True))


def undone(act: Callable[[], object]) -> None:
    try:
        with transaction.atomic():
            act()
            raise RolledBack
    except RolledBack:
        pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(author=_who, steps=_steps)
def test_any_interleaving_of_comments_visits_choices_and_failures_notifies_as_the_rule_says(
    people: dict[str, User], new_notices: list[NewNotice], author: str, steps: list[tuple[str, ...]]
) -> None:
    thread, naive = publish(people[author]), Naive(author)
    names = {person.pk: name for name, person in people.items()}
    for what, by, *others in steps:
        new_notices.clear()
        mentioned = others[0] if others else ""
        text = f"@{mentioned} milk?" if mentioned else "milk?"
        if what.endswith("rolled back"):
            undone(lambda by=by, text=text: say(people[by], thread, text))  # type: ignore[misc]
            continue
        if what in ("comment", "mention"):
            expected = naive.comment(by, mentioned)
            say(people[by], thread, text)
            assert {(names[it.recipient_id], it.kind) for it in new_notices} == expected
            assert len(new_notices) == len(expected)
        elif what == "visit":
            naive.waiting.discard(by)
            visit(people[by], thread)
        else:
            naive.tracking[by] = what == "track"
            set_tracking(kwip=thread, user=people[by], is_on=what == "track")
        rows = Notice.objects.filter(thread_id=thread.pk, is_waiting=True)
        assert set(rows.values_list("recipient__username", flat=True)) == naive.waiting


def test_fifty_comments_at_once_notify_once(people: dict[str, User], new_notices: list[NewNotice]) -> None:
    thread = publish(people["ann"])
    set_tracking(kwip=thread, user=people["bob"], is_on=True)
    at_once([lambda: say(people["cee"], thread)] * 50)
    assert sorted((it.recipient_id, it.kind) for it in new_notices) == [
        (people["ann"].pk, "comment"),
        (people["bob"].pk, "tracked"),
    ]
    assert Notice.objects.count() == 2
    visit(people["ann"], thread)
    at_once([lambda: say(people["cee"], thread)] * 10)
    assert [it.recipient_id for it in new_notices[2:]] == [people["ann"].pk]
    thread.refresh_from_db()
    assert thread.comments_count == 60


def test_fifty_choices_and_favourites_at_once_are_exact(
    people: dict[str, User], new_notices: list[NewNotice]
) -> None:
    thread = publish(people["ann"])
    choose = partial(set_tracking, kwip=thread, user=people["bob"])
    at_once([partial(choose, is_on=True), partial(choose, is_on=False)] * 25)
    assert Track.objects.filter(kwip=thread, user=people["bob"]).count() == 1
    click = {"kwip": thread, "user": people["bob"]}
    at_once([partial(actions.favourite, **click), partial(actions.unfavourite, **click)] * 25)  # type: ignore[arg-type]
    thread.refresh_from_db()
    people["bob"].refresh_from_db()
    assert thread.favourites_count == Favourite.objects.count() == people["bob"].favourites_count
    assert [it.kind for it in new_notices] == ["favourite"]


def test_no_comment_is_lost_between_a_visit_and_a_notice(people: dict[str, User]) -> None:
    """Each comment is on a page that a visit read, or a notice of it waits."""
    thread = publish(people["ann"])
    for _ in range(25):
        say(people["cee"], thread)
        _, seen = at_once(
            [
                lambda: say(people["bob"], thread).pk and set(),
                lambda: visit(people["ann"], thread),
            ]
        )
        everything = set(Kwip.objects.filter(thread=thread).values_list("pk", flat=True))
        waits = Notice.objects.filter(recipient=people["ann"], is_waiting=True).exists()
        assert waits or seen == everything
        visit(people["ann"], thread)


def test_a_visit_waits_for_a_comment_that_is_not_yet_committed_and_then_shows_it(
    people: dict[str, User],
) -> None:
    thread = publish(people["ann"])
    say(people["cee"], thread)  # of which ann's notice waits

    def visit_from_elsewhere() -> set[int]:
        try:
            return visit(people["ann"], thread)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as elsewhere:
        with uncommitted():
            made = say(people["bob"], thread)  # silent, since the notice waits
            visiting = elsewhere.submit(visit_from_elsewhere)
            wait_for(is_someone_waiting_for_a_lock, seconds=60)
        assert made.pk in visiting.result()
    assert not Notice.objects.filter(is_waiting=True, recipient=people["ann"]).exists()


def is_someone_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0
