"""The admin's list of what browsers stopped. Deleting a row begins its count again."""

from django.contrib import admin
from django.http import HttpRequest

from apps.cspreports.models import Violation


@admin.register(Violation)
class ViolationAdmin(admin.ModelAdmin):
    list_display = ("directive", "blocked", "page", "count", "first_at", "last_at")
    list_display_links = None
    list_filter = ("directive",)
    ordering = ("-last_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Violation | None = None) -> bool:
        return False
