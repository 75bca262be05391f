"""A page of a list without custom SQL, without keyset pagination, or without both (`settings.LADDER_ON`).

=========== ============ ==================================================================
custom SQL  keyset       one page is read by
=========== ============ ==================================================================
off         off          a queryset and Django's `Paginator`: COUNT(*), OFFSET
off         on           the queryset and `apps.keyset`
on          off          the `.sql` file with OFFSET; the count of `Paginator` by the queryset
on          on           the site itself (`kwippy.urls`): these pages are not used
=========== ============ ==================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet

from apps.feeds import statements
from apps.feeds.queries import Timeline
from apps.feeds.statements import SQL
from apps.keyset import KeysetOrder, Page, Seek, from_queryset, paginate
from apps.kwips import controls
from apps.kwips.models import Kwip
from apps.kwips.visibility import ANYONE
from apps.statements import Sql, Statement
from bench.ladder import orm


def is_on(optimization: str) -> bool:
    return optimization in getattr(settings, "LADDER_ON", ())


@dataclass(frozen=True, slots=True)
class Listing:
    """One list for one viewer, as the ORM and as the site read it. ``numbered`` names its .sql file, if that
    is one SELECT, to which OFFSET can be added; ``parameters`` are those of the file."""

    viewer_id: int | None
    rows: QuerySet[Kwip]
    timeline: Timeline
    numbered: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()

    def page(self, arguments: Mapping[str, str]) -> Page[Any]:
        size = self.timeline.size
        if is_on("keyset"):
            order = KeysetOrder(self.timeline.order.name, oldest_first=self.timeline.order.oldest_first)
            found = paginate(arguments, order, from_queryset(self.rows, order), limit=size)
            return found.with_items(orm.entries(found.items, self.viewer_id))
        source = _Numbered(self) if is_on("sql") else self.rows
        numbered = Paginator(source, size).get_page(arguments.get("page"))  # type: ignore[arg-type]
        read: list[Any] = list(numbered)
        items = orm.entries(read, self.viewer_id) if source is self.rows else read
        return Page(
            items,
            older=f"?page={numbered.number + 1}" if numbered.has_next() else "",
            newer=f"?page={numbered.number - 1}" if numbered.has_previous() else "",
            is_first=not numbered.has_previous(),
        )


class _Numbered:
    """What `Paginator` needs of a list that custom SQL reads."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    def count(self) -> int:
        return self.listing.rows.count()

    __len__ = count

    def __getitem__(self, wanted: slice) -> Sequence[Any]:
        listing, skipped = self.listing, wanted.start
        if not listing.numbered:
            # Two plans, or a page of a conversation: it reads the pages before this one, too.
            order = listing.timeline.order
            seek = Seek(order, order.start, backward=False, limit=wanted.stop)
            return listing.timeline.fetch(seek)[skipped:]
        parameters = dict(listing.parameters) | {
            "viewer": listing.viewer_id or ANYONE,
            "cursor_id": 2**63 - 1,
            "limit": wanted.stop - skipped,
            "skipped": skipped,
        }
        with connection.cursor() as cursor:
            _statement(listing.numbered).execute_prepared(cursor, parameters)
            take = statements._fields(tuple(column.name for column in cursor.description))
            rows = cursor.fetchall()
        return [statements.Entry._make(take(row + statements._DEFAULTS)) for row in rows]


@cache
def _statement(name: str) -> Statement:
    """The file's statement with OFFSET."""
    ids = SQL.load(name, beyond="<", order="DESC")
    nothing = Sql("NULL::text[]", {})
    return SQL.load(
        "entries",
        ids=Sql(f"{ids.text}\nOFFSET %(skipped)s", ids.types),
        page_order="page.id DESC",
        marks=controls.marks_sql(),
        muffled=nothing if name == "person" else SQL.fragments["muffled"],
        author=nothing,
    ).statement(f"{name}.sql", f"ladder_{name}")
