"""What every list of the admin has, whichever app registers it: no step reads a whole table."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST_COUNTED = 20_000


class BoundedPaginator(Paginator):
    """Counts so far, not the whole table. A list ends there: a search or a filter shows more."""

    @cached_property
    def count(self) -> int:
        return self.object_list[:MOST_COUNTED].count()  # type: ignore[attr-defined]


def bound() -> None:
    """Sets the defaults of `ModelAdmin`; the admin of a small table may set others."""
    admin.ModelAdmin.paginator = BoundedPaginator
    admin.ModelAdmin.show_full_result_count = False
    admin.ModelAdmin.show_facets = admin.ShowFacets.NEVER  # each facet would count the table
    admin.ModelAdmin.sortable_by = ()  # most columns have no index
