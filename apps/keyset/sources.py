"""Where pages come from: querysets, and SQL read in both directions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from apps.keyset.cursor import Listing
from apps.keyset.page import Fetch, Seek

_OPPOSITE = {"<": ">", ">": "<", "DESC": "ASC", "ASC": "DESC"}
_DIRECTION = re.compile(r"(?<=\s)(?:[<>]|DESC|ASC)(?=[\s,)]|$)", re.MULTILINE)


def turned(sql: str) -> str:
    """The same SQL read against its order: `<` and `>`, `DESC` and `ASC` change places.

    So a listing's SQL uses these, standing alone, for nothing but its cursor and its order.
    """
    return _DIRECTION.sub(lambda found: _OPPOSITE[found[0]], sql)


def from_queryset[M: Model](queryset: QuerySet[M], listing: Listing) -> Fetch[M]:
    """A fetch for `paginate` that reads ``queryset``, whose own order does not matter.

    Needs an index over the listing's keys, behind the columns that the queryset compares for equality.
    """

    def fetch(seek: Seek) -> Sequence[M]:
        upward = listing.oldest_first != seek.backward
        order = [key.name if upward else f"-{key.name}" for key in listing.by]
        return list(queryset.filter(_beyond(seek, upward=upward)).order_by(*order)[: seek.limit])

    return fetch


def _beyond(seek: Seek, *, upward: bool) -> TupleGreaterThan | TupleLessThan:
    lookup = TupleGreaterThan if upward else TupleLessThan
    return lookup(Tuple(*(F(key.name) for key in seek.listing.by)), seek.position)
