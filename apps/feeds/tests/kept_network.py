"""A member's network for the tests of kept first pages, and writers with connections of their own."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts.models import User
from apps.feeds import queries
from apps.feeds.keys import network_first_page

PLANS, KEPT = {"network_window", "network_people"}, {"network_kept"}


@dataclass
class Network:
    """The network of a viewer who follows many people."""

    viewer: User
    files: set[str] = field(default_factory=set)

    def ids(self) -> list[int]:
        """The ids of page 1, of kwips and shares, which are those of the two plans; `files` read it."""
        timeline = queries.network(viewer_id=self.viewer.pk, following_count=queries.FEW_FOLLOWEES + 1)
        with CaptureQueriesContext(connection) as captured:
            entries = [entry._replace(newer=None) for entry in timeline.page({})]
        sent = [query["sql"] for query in captured]
        self.files = {file for file in PLANS | KEPT for sql in sent if f"/* {file}.sql */" in sql}
        with lookaside.bypassed():
            assert entries == timeline.page({}).items
        return [entry.place or 0 for entry in entries]

    def read(self) -> set[str]:
        """The files that read page 1."""
        self.ids()
        return self.files


def forget(network: Network) -> None:
    lookaside.cache().delete(network_first_page(network.viewer.pk))


def renewed(network: Network) -> list[int]:
    """Page 1, kept with everything that is there."""
    forget(network)
    assert network.read() <= PLANS
    assert network.read() == KEPT
    return network.ids()


@contextlib.contextmanager
def other_connection() -> Iterator[Any]:
    """A cursor in a transaction of its own, which ends with the block or by its `connection.commit()`."""
    with contextlib.closing(psycopg2.connect(**connection.get_connection_params())) as opened:
        yield opened.cursor()


def write(cursor: Any, author: User) -> int:
    """A kwip as `publish` writes it: under the lock of its author."""
    cursor.execute("SELECT FROM accounts_user WHERE id = %s FOR NO KEY UPDATE", [author.pk])
    cursor.execute(
        """
        INSERT INTO kwips_kwip (author_id, text, form_key, visibility, withheld, created_at, last_active_at,
            version, comments_count, favourites_count)
        VALUES (%s, 'late', gen_random_uuid(), 0, 0, now(), now(), 1, 0, 0)
        RETURNING id
        """,
        [author.pk],
    )
    return int(cursor.fetchone()[0])
