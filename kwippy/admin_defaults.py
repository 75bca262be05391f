"""What every list of the admin has, whichever app registers it: no step reads a whole table."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 20_000


class BoundedPaginator(Paginator):
    """Counts so far, not the whole table. A list ends there: a search or a filter shows more."""

    @cached_property
    def count(self) -> int:
        return self.object_list[:MOST_COUNTED].count()  # type: ignore[attr-defined]


class FixedOrder(ChangeList):
    """Ignores an order in the address: most columns have no index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.params = {name: value for name, value in self.params.items() if name != ORDER_VAR}
        return super().get_ordering(request, queryset)


def bound() -> None:
    """Sets the defaults of `ModelAdmin`; the admin of a small table may set others."""
    admin.ModelAdmin.paginator = BoundedPaginator
    admin.ModelAdmin.show_full_result_count = False
    admin.ModelAdmin.show_facets = admin.ShowFacets.NEVER  # each facet would count the table
    admin.ModelAdmin.sortable_by = ()
    admin.ModelAdmin.get_changelist = _fixed_order  # type: ignore[method-assign]


def _fixed_order(self: Any, request: HttpRequest, **options: Any) -> type[ChangeList]:
    return FixedOrder
