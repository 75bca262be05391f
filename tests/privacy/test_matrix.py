"""The privacy matrix: viewer × state of the author × text × address, against `table` and `world.may_read`."""

import gzip

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of
from tests.privacy.addresses import Address, addresses, patterns
from tests.privacy.table import DOCUMENTS, MODERATION, TABLE, nothing
from tests.privacy.world import (
    ANONYMOUS,
    AUTHOR,
    CANARIES,
    MODERATOR,
    STATES,
    World,
    built,
    canary,
    may_moderate,
    may_read,
    viewers_of,
)

READ_MOST = {ANONYMOUS, "fay", MODERATOR, AUTHOR}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


class Viewer:
    """Requests pages as a browser does: an anonymous one through the page cache."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self._site = wrapped(WSGIHandler())
        self._client = Client()
        if name != ANONYMOUS:
            self._client.force_login(world.people[name])

    def body(self, path: str) -> str:
        if self.name == ANONYMOUS:
            answer = response_of(self._site, warming_request(path))
            is_gzipped = dict(answer.headers).get("Content-Encoding") == "gzip"
            raw = gzip.decompress(answer.body) if is_gzipped else answer.body
        else:
            raw = self._client.get(path).getvalue()
        return raw.decode("utf-8", "replace")


def found(body: str) -> set[str]:
    return {name for name in CANARIES if canary(name) in body}


def expected(viewer: str, state: str, address: Address) -> set[str]:
    reader = ANONYMOUS if address.pattern in DOCUMENTS else viewer
    arguments = {**address.arguments, "state": state}
    allowed = may_moderate if address.pattern in MODERATION else may_read
    return set(TABLE[address.pattern](reader, arguments)).intersection(allowed(reader, state))


def test_each_address_of_the_site_is_in_the_table() -> None:
    assert set(patterns()) - TABLE.keys() == set(), "say in tests/privacy/table.py what it shows to whom"
    assert TABLE.keys() - set(patterns()) == set(), "it is no address any more"


@pytest.mark.asvs("8.2.2", "8.3.1")
@pytest.mark.parametrize("state", STATES)
def test_a_text_is_where_the_table_says_and_nowhere_else(state: str) -> None:
    world = built()
    viewers = [Viewer(name, world) for name in viewers_of(state)]
    asked = [
        (viewer, address)
        for pattern in patterns()
        for address in addresses(pattern, world)
        for viewer in viewers
        # A page without words has none in any state, if those who may read most find none in these.
        if TABLE[pattern] is not nothing or (viewer.name in READ_MOST and state in {"public", "hidden"})
    ]
    for viewer, address in asked:  # fill the caches before the author's state changes
        if state != "public" and TABLE[address.pattern] is not nothing and viewer.name in {ANONYMOUS, "fay"}:
            viewer.body(address.path)
    STATES[state](world)
    wrong = [
        f"{viewer.name} at {address.path}: {sorted(shown)} instead of {sorted(wanted)}"
        for viewer, address in asked
        if (shown := found(viewer.body(address.path))) != (wanted := expected(viewer.name, state, address))
    ]
    assert not wrong, "\n".join(wrong)
