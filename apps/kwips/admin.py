"""Kwips, for the operator. They are read and deleted here, by the same action as on the site."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.kwips.text import excerpt


@admin.register(Kwip)
class KwipAdmin(admin.ModelAdmin):
    list_display = ("id", "author", "beginning", "created_at", "comments_count", "favourites_count")
    list_select_related = ("author",)
    search_fields = ("author__username",)
    ordering = ("-id",)
    show_full_result_count = False
    fields = ("author", "thread", "audience", "text", "created_at", "edited_at")
    readonly_fields = fields

    @admin.display(description="text")
    def beginning(self, kwip: Kwip) -> str:
        return excerpt(kwip.text)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Kwip | None = None) -> bool:
        return False  # to save one would write back the counters that it was shown with

    def delete_model(self, request: HttpRequest, obj: Kwip) -> None:
        _delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Kwip]) -> None:
        for kwip in queryset:
            _delete(kwip)


def _delete(kwip: Kwip) -> None:
    try:
        actions.delete(kwip=kwip)
    except actions.Gone:
        pass  # with its kwip, or by its author meanwhile
