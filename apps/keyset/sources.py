"""Pages of a queryset."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from apps.keyset.cursor import KeysetOrder
from apps.keyset.page import Fetch, Seek


def from_queryset[M: Model](queryset: QuerySet[M], order: KeysetOrder) -> Fetch[M]:
    """A fetch for `paginate` that reads ``queryset``; the queryset's own order is replaced.

    Needs an index over the order's keys, after the columns that the queryset compares for equality.
    """

    def fetch(seek: Seek) -> Sequence[M]:
        order_by = [key.name if seek.is_ascending else f"-{key.name}" for key in order.keys]
        return list(queryset.filter(_beyond(seek)).order_by(*order_by)[: seek.limit])

    return fetch


def _beyond(seek: Seek) -> TupleGreaterThan | TupleLessThan:
    lookup = TupleGreaterThan if seek.is_ascending else TupleLessThan
    return lookup(Tuple(*(F(key.name) for key in seek.order.keys)), seek.position)
