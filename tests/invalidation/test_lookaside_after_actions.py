"""Each action against the look-aside cache: cached people, sessions and cards match the database."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from apps import lookaside
from apps.accounts.actions import change_profile
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.feeds import queries
from tests.invalidation.action_table import ROWS, Row, everything_stored, public_functions
from tests.invalidation.scenario import Scenario, make_scenario
from tests.support.concurrency import at_once, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def scenario() -> Scenario:
    return make_scenario()


def cached(person: User) -> dict[str, object] | None:
    """The cached entry of a person; a miss fills it. None for a deleted account."""
    CachedUserBackend().get_user(person.pk)

    def never() -> dict[str, object] | None:
        assert stored(person) is None, "it is not cached"
        return None

    return lookaside.cache().get_or_compute(user_key(person.pk), never, schema=User.cached_schema())


def stored(person: User) -> dict[str, object] | None:
    """What a new entry of the person would have; None for a deleted account."""
    found = User.objects.of_request(person.pk)
    return found.for_cache() if found else None


def look(client: Client, scenario: Scenario) -> dict[str, tuple[int, str]]:
    """The pages that a member reads, without the tokens that differ in each response."""
    answers = {path: client.get(path) for path in scenario.members_pages}
    return {
        path: (answer.status_code, re.sub(r'value="[\w-]{32,}"', "", answer.content.decode()))
        for path, answer in answers.items()
    }


@pytest.mark.parametrize("function", list(public_functions()), ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_every_action_has_a_row_in_which_it_changes_something(
    scenario: Scenario, function: Callable[..., object]
) -> None:
    rows = [row for row in ROWS if row.function == function]
    assert rows, "this action has no row in the action table"
    row = rows[0]
    row.first(scenario)
    before = everything_stored()
    row.run(scenario)
    assert everything_stored() != before


@contextmanager
def unmarked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[bytes]]:
    """The keys that are deleted in the block without a mark: outside of a transaction, even one statement."""
    store = lookaside.cache().store
    marked: set[bytes] = set()
    found: set[bytes] = set()
    mark, delete = store.mark, store.delete

    def marking(keys: Sequence[bytes], seconds: int) -> lookaside.Marks:
        marked.update(keys)
        return mark(keys, seconds)

    def deleting(keys: Sequence[bytes], marks: lookaside.Marks | None = None) -> list[bytes]:
        found.update(set(keys) - marked)
        return delete(keys, marks)

    with monkeypatch.context() as patched:
        patched.setattr(store, "mark", marking)
        patched.setattr(store, "delete", deleting)
        yield found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_action_marks_what_it_invalidates_and_members_then_see_what_is_stored(
    scenario: Scenario, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", 0)  # the first page of each network is kept
    row.first(scenario)
    member = Client()
    member.force_login(scenario.cee)
    look(member, scenario)
    for person in scenario.people:
        assert cached(person) == stored(person)
    with unmarked(monkeypatch) as found:
        row.run(scenario)
    assert not found
    for person in scenario.people:
        assert cached(person) == stored(person), person
    seen = look(member, scenario)
    lookaside.cache().clear()
    assert seen == look(member, scenario)


def test_a_change_is_invalidated_with_its_commit_and_not_before(scenario: Scenario) -> None:
    """Another thread fills the cache with the old value between the change and its commit."""
    before = cached(scenario.bob)
    with uncommitted():
        change_profile(user=scenario.bob, display_name="Bob", bio="")
        assert at_once([lambda: cached(scenario.bob)]) == [before]
        assert connection.run_on_commit, "no commit hook was registered"
    found = cached(scenario.bob)
    assert found is not None
    assert (found["display_name"], found["version"]) == ("Bob", 2)
