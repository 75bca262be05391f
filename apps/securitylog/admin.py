"""The security log, for operators to read. A search is for a login, or for a person's id."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.securitylog.event import Event
from apps.securitylog.hashing import all_keyed
from apps.securitylog.models import Entry


class EventFilter(admin.SimpleListFilter):
    """Of all events that there are: those of the table would have to be looked for in all of it."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(event.value, str(event.label)) for event in Event]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        return queryset.filter(event=self.value()) if self.value() in Event else queryset


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """The database refuses changes as well."""

    list_display = ("id", "at", "event", "times", "user_id", "by_id", "network", "device", "short_login")
    list_filter = (EventFilter,)
    ordering = ("-id",)
    actions = None
    search_fields = ("id",)  # `get_search_results` decides
    search_help_text = _("The id of a person, or a login that someone typed: a user name or an address.")
    fields = (
        "at", "event", "times", "user_id", "by_id", "network", "browser", "system", "login", "details",
        "request_id",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("browser"))
    def device(self, entry: Entry) -> str:
        return entry.device if entry.browser or entry.system else ""

    @admin.display(description=_("login"))
    def short_login(self, entry: Entry) -> str:
        return entry.login[:8]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entry], search_term: str
    ) -> tuple[QuerySet[Entry], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isdecimal() and len(term) < 19:
            return queryset.filter(user_id=int(term)), False
        return queryset.filter(login__in=all_keyed(term)), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False
