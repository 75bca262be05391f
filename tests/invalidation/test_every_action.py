"""Each action against the look-aside cache: people, sessions and cards are never older than the database."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from apps import lookaside
from apps.accounts.actions import change_profile
from apps.accounts.backends import CachedUserBackend
from apps.accounts.keys import user_key
from apps.accounts.models import User
from tests.invalidation.every_action import ROWS, Row, everything_stored, public_functions
from tests.invalidation.place import Place, make_place
from tests.support.concurrency import at_once, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def place() -> Place:
    return make_place()


def cached(person: User) -> dict[str, object] | None:
    """What the cache has of a person; filled where it has nothing."""
    CachedUserBackend().get_user(person.pk)

    def never() -> dict[str, object] | None:
        raise AssertionError("it is not kept")

    return lookaside.cache().get_or_compute(user_key(person.pk), never)


def look(client: Client, place: Place) -> dict[str, tuple[int, str]]:
    """What a member sees, without the tokens that are new in each answer."""
    answers = {path: client.get(path) for path in place.members_pages}
    return {
        path: (answer.status_code, re.sub(r'value="[\w-]{32,}"', "", answer.content.decode()))
        for path, answer in answers.items()
    }


@pytest.mark.parametrize("function", list(public_functions()), ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_every_action_has_a_row_in_which_it_changes_something(
    place: Place, function: Callable[..., object]
) -> None:
    rows = [row for row in ROWS if row.function == function]
    assert rows, "an action without a row: nobody knows what it purges"
    row = rows[0]
    row.first(place)
    before = everything_stored()
    row.run(place)
    assert everything_stored() != before


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_members_see_after_an_action_is_what_is_stored(place: Place, row: Row) -> None:
    row.first(place)
    member = Client()
    member.force_login(place.cee)
    look(member, place)
    for person in place.people:
        assert cached(person) == User.objects.get(pk=person.pk).for_cache()
    row.run(place)
    for person in place.people:
        assert cached(person) == User.objects.get(pk=person.pk).for_cache(), person
    seen = look(member, place)
    lookaside.cache().clear()
    assert seen == look(member, place)


def test_a_change_is_forgotten_with_its_commit_and_not_before(place: Place) -> None:
    """Another thread fills the cache between the change and its commit: with what was before."""
    before = cached(place.bob)
    with uncommitted():
        change_profile(user=place.bob, display_name="Bob", bio="")
        assert at_once([lambda: cached(place.bob)]) == [before]
        assert connection.run_on_commit, "nothing waits for the commit"
    found = cached(place.bob)
    assert found is not None
    assert (found["display_name"], found["version"]) == ("Bob", 2)
