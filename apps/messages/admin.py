"""Admin for reported messages: read, and mark as handled. Operators read no other message."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.messages.models import Report


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    list_display = ("id", "writer", "reporter", "reported_at", "is_handled")
    list_filter = ("is_handled",)
    list_select_related = ("writer", "reporter")
    search_fields = ("writer__username", "reporter__username")
    ordering = ("is_handled", "-id")
    show_full_result_count = False
    actions = ("handled",)
    fields = ("writer", "reporter", "sent_at", "text", "reported_at", "note", "is_handled")
    readonly_fields = ("writer", "reporter", "sent_at", "text", "reported_at", "note")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=_("Mark as handled"))
    def handled(self, request: HttpRequest, reports: QuerySet[Report]) -> None:
        reports.update(is_handled=True)
