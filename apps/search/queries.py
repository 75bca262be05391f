"""Reads of search: kwips by their words, people and tags by their names, each within a time limit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.queries import person
from apps.feeds.statements import Entry
from apps.keyset import KeysetOrder, Page, Seek, paginate
from apps.kwips.visibility import ANYONE
from apps.search.query import NOTHING, Problem, Query, all_of, any_of
from apps.search.slices import steps
from apps.search.statements import SQL, author_lexeme
from apps.search.statements import kwips as kwips_statement
from apps.search.words import folded_name
from apps.statements import Statement, execute_together

PAGE_SIZE = 20
MOST_NAMES = 40  # people or tags
ME = "me"  # in from:me; too short for a user name


class TooSlow(Exception):
    """The time limit ended the query."""


def kwips(
    query: Query, arguments: Mapping[str, str], *, viewer: User | None, keep: Mapping[str, str]
) -> Page[Entry]:
    """Kwips and comments that match, newest first. Raises `Problem`, `TooSlow`, `BadCursor`.

    The links to the page's neighbours repeat the arguments ``keep``.
    """
    tsquery = _tsquery(query, viewer)

    def fetch(seek: Seek) -> list[Entry]:
        newest = _run(SQL.statement("newest"), {})[0][0]
        walk = list(steps(int(seek.parameters["cursor_id"]), newest, is_ascending=seek.is_ascending))  # type: ignore[arg-type]
        parameters = seek.parameters | {
            "query": tsquery,
            # The last step has none: all that match.
            "slices": [any_of(step.slices) or tsquery for step in walk],
            "lows": [step.low for step in walk],
            "highs": [step.high for step in walk],
            "viewer": viewer.pk if viewer else ANYONE,
        }
        names: list[str] = []
        rows = _run(kwips_statement(seek.beyond, seek.direction), parameters, names)
        return [Entry(**dict(zip(names, row, strict=True))) for row in rows]

    return paginate(arguments, KeysetOrder(f"search {query.key}"), fetch, limit=PAGE_SIZE, keep=keep)


def _tsquery(query: Query, viewer: User | None) -> str:
    """The whole condition. Raises `Problem` for a name that no person has."""
    authors = [author_lexeme(_person_id(name, viewer)) for name in sorted(query.authors)]
    others = [author_lexeme(_person_id(name, viewer)) for name in sorted(query.not_authors)]
    text = f"({query.text})" if query.text else ""
    return all_of(text, any_of(authors), f"!{any_of(others)}" if others else "", query.days) or NOTHING


def _person_id(name: str, viewer: User | None) -> int:
    if name == ME and viewer is not None:
        return viewer.pk
    try:
        return person(name).pk
    except Http404:
        raise Problem(_("there is nobody called %s here.") % name) from None


def people(text: str, *, viewer_id: int | None) -> list[User]:
    """The people whose names are most like the text. Raises `Problem`, `TooSlow`."""
    ids = _named("people", text, viewer_id)
    found = User.objects.in_bulk(ids)
    return [found[user_id] for user_id in ids if user_id in found]


def tags(text: str, *, viewer_id: int | None) -> list[str]:
    """The tags most like the text, of which the viewer may see a kwip. Raises `Problem`, `TooSlow`."""
    return _named("tags", text, viewer_id)


def _named(statement: str, text: str, viewer_id: int | None) -> list[Any]:
    name = folded_name(text.lstrip("@＠#＃ "))
    if not name:
        raise Problem(_("there is no name in that to look for."))
    parameters = {
        "name": name,
        "end": f"{name}\U0010ffff",
        "viewer": viewer_id or ANYONE,
        "limit": MOST_NAMES,
    }
    return [row[0] for row in _run(SQL.statement(statement), parameters)]


def _run(
    statement: Statement, parameters: Mapping[str, Any], names: list[str] | None = None
) -> list[tuple[Any, ...]]:
    """The rows, and the names of their columns into ``names``. Raises `TooSlow`."""
    limited = {**parameters, "milliseconds": str(settings.SEARCH_TIMEOUT_MS)}
    with _cancelled_is_too_slow(), connection.cursor() as cursor:
        execute_together(cursor, [SQL.statement("limit"), statement], limited)
        if names is not None:
            names += [column.name for column in cursor.description]
        return list(cursor.fetchall())


@contextmanager
def _cancelled_is_too_slow() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == "57014":  # query_canceled
            raise TooSlow from None
        raise
