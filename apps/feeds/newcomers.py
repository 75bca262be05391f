"""New people, to whom others say hi: a short list on everyone's page, cached for all viewers.

The list has only what their public kwips show anyway. Events invalidate it (`on_changed`); the passing of
`DAYS` alone changes it up to 300 seconds later.
"""

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from apps import lookaside
from apps.accounts import events as accounts_events
from apps.accounts.models import User
from apps.feeds.statements import SQL
from apps.graph.queries import hidden_among
from apps.invalidation import invalidate
from apps.kwips import events
from apps.kwips.visibility import ANYONE
from apps.plaintext import safe

_KEY = "newcomers"
DAYS = 14
SHOWN = 5
# Bounds the cost: of so many accounts, most may never have written.
AMONG = 100


class Newcomer(NamedTuple):
    id: int
    username: str
    name: str
    avatar: str
    kwip_id: int


def newcomers(viewer_id: int | None) -> list[Newcomer]:
    """The newest people who wrote, without those whom the viewer blocked or muted, or who blocked them."""
    found = [Newcomer(*row) for row in lookaside.cache().get_or_compute(_KEY, _read)]
    others = [person for person in found if person.id != viewer_id]
    hidden = hidden_among(viewer_id, [person.id for person in others]) if viewer_id and others else set()
    return [person for person in others if person.id not in hidden]


def _read() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        parameters = {"viewer": ANYONE, "among": AMONG, "days": DAYS, "limit": SHOWN}
        SQL.statement("newcomers").execute_prepared(cursor, parameters)
        return [(pk, username, safe(name), *rest) for pk, username, name, *rest in cursor.fetchall()]


@events.published.within
def on_published(event: events.Published) -> None:
    _invalidate_for([event.kwip.author])


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    _invalidate_for(kwip.author for kwip in event.kwips if kwip.thread_id is None)


@accounts_events.joined.within
@accounts_events.profile_changed.within
@accounts_events.renamed.within
@accounts_events.switched_off.within
@accounts_events.switched_on.within
@accounts_events.deleted.within
@events.narrowed.within
@events.withheld.within
@events.restored.within
def on_changed(event: object) -> None:
    invalidate(cache=[_KEY])


def _invalidate_for(authors: Iterable[User]) -> None:
    since = timezone.now() - datetime.timedelta(days=DAYS)
    if any(author.joined_at > since for author in authors):
        invalidate(cache=[_KEY])
