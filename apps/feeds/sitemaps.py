"""The sitemap, by ranges of ids: what everyone may see.

A kwip never moves to another range, so a crawler that reads all files misses no kwip that existed throughout.
Imported kwips are left out: their ids are spread, so each would have a file of its own.
"""

import datetime
from collections.abc import Iterable
from xml.sax.saxutils import escape

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.keys import NAMES, PEOPLE
from apps.accounts.models import User
from apps.accounts.queries import UNCONFIRMED
from apps.feeds.keys import EVERYONE
from apps.feeds.statements import SQL
from apps.kwips.visibility import ANYONE, VISIBLE_SQL
from apps.pagecache import public_page
from apps.statements import Statement

RANGE = 10_000  # the protocol allows 50,000 addresses a file; the page cache needs smaller files
MOST_FILES = 25_000  # of each kind; the protocol allows 50,000 in an index
_XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_UNLIMITED = SQL.fragments["unlimited"].text
_TABLES = {
    "kwips": ("kwips_kwip", f"k.id > 0 AND k.thread_id IS NULL AND {VISIBLE_SQL} AND {_UNLIMITED}"),
    "people": ("accounts_user", "k.is_active AND NOT k.is_limited"),
}

type Entry = tuple[str, datetime.datetime | None]


@public_page(EVERYONE, PEOPLE, NAMES, uncached_query=())
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    files = [f"/sitemap-{kind}-{number}.xml" for kind in _TABLES for number in _ranges(kind)]
    return _xml("sitemapindex", "sitemap", [(path, None) for path in files])


@public_page(EVERYONE, PEOPLE, uncached_query=())
@require_safe
def kwips(request: HttpRequest, number: int) -> HttpResponse:
    with connection.cursor() as cursor:
        SQL.statement("sitemap_kwips").execute(
            cursor, {"viewer": ANYONE, "start": number * RANGE, "end": (number + 1) * RANGE}
        )
        found = [(f"/{username}/kwip/{kwip_id}/", moved) for kwip_id, username, moved in cursor.fetchall()]
    return _urls(found)


@public_page(PEOPLE, NAMES, uncached_query=())
@require_safe
def people(request: HttpRequest, number: int) -> HttpResponse:
    names = (
        User.objects.filter(
            is_active=True, is_limited=False, pk__gte=number * RANGE, pk__lt=(number + 1) * RANGE
        )
        .exclude(UNCONFIRMED)
        .order_by("pk")
        .values_list("username", flat=True)
    )
    return _urls([(f"/{name}/", None) for name in names])


def range_statement(kind: str) -> Statement:
    table, among = _TABLES[kind]
    sql = SQL.load("sitemap_ranges", table=table, among=among)
    return sql.statement("sitemap_ranges.sql", f"feeds_sitemap_ranges_{kind}")


def _ranges(kind: str) -> list[int]:
    """The numbers of the ranges that have rows visible to anonymous visitors, oldest first."""
    with connection.cursor() as cursor:
        range_statement(kind).execute(cursor, {"viewer": ANYONE, "size": RANGE, "most": MOST_FILES})
        return [number for (number,) in cursor.fetchall()]


def _urls(found: list[Entry]) -> HttpResponse:
    if not found:
        raise Http404
    return _xml("urlset", "url", found)


def _xml(root: str, element: str, entries: Iterable[Entry]) -> HttpResponse:
    lines = [
        f"<{element}><loc>{escape(settings.SITE_URL + path)}</loc>"
        + (f"<lastmod>{moved.isoformat(timespec='seconds')}</lastmod>" if moved else "")
        + f"</{element}>"
        for path, moved in entries
    ]
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_XMLNS}">'
    return HttpResponse("\n".join([head, *lines, f"</{root}>", ""]), content_type="application/xml")
