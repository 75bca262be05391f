"""Admin for applications, accepted or refused in batches, and for invitations: who invited whom."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts import applications, sign_ups
from apps.accounts.models import Application, Invitation, User
from apps.accounts.names import NameTaken

# Of one action; each application takes a transaction of its own.
MOST_AT_ONCE = 200
SEARCHED = 5_000  # applications, newest first


def of_person[M: Model](rows: QuerySet[M], name: str, *fields: str) -> QuerySet[M]:
    """The rows whose ``fields`` refer to the person of this user name; all rows without a name.

    By id: a join with the name in the condition reads whole tables.
    """
    if not (name := name.strip().removeprefix("@").lower()):
        return rows
    person_id = User.objects.filter(username=name).values_list("pk", flat=True).first() or 0
    wanted = Q()
    for field in fields:
        wanted |= Q(**{f"{field}_id": person_id})
    return rows.filter(wanted)


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", _("waiting")), ("refused", _("refused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Application]) -> QuerySet[Application]:
        if self.value() not in ("waiting", "refused"):
            return queryset
        return queryset.filter(refused_at__isnull=self.value() == "waiting")


@admin.register(Application)
class ApplicationAdmin(admin.ModelAdmin):
    list_display = ("username", "email", "words", "asked_at", "refused_at")
    list_filter = (StateFilter,)
    search_fields = ("username", "email", "words")
    ordering = ("-refused_at", "pk")  # PostgreSQL sorts NULL first: those that wait
    actions = ("accept", "refuse")
    fields = readonly_fields = list_display

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Application], search_term: str
    ) -> tuple[QuerySet[Application], bool]:
        """Words have no index: the newest applications alone are searched."""
        if not search_term:
            return queryset, False
        newest = Application.objects.order_by("-pk").values_list("pk", flat=True)
        floor = next(iter(newest[SEARCHED - 1 : SEARCHED]), 0)
        return super().get_search_results(request, queryset.filter(pk__gte=floor), search_term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Application | None = None) -> bool:
        return False

    @admin.action(permissions=["change"], description=gettext_lazy("Accept: they join, and get a mail"))
    def accept(self, request: HttpRequest, rows: QuerySet[Application]) -> None:
        accepted = 0
        for row in rows.filter(refused_at=None).order_by("pk")[:MOST_AT_ONCE]:
            try:
                user = sign_ups.accept(row.pk, by=_operator(request))
            except (NameTaken, sign_ups.AddressTaken):
                text = _("%(name)s: the name or the address belongs to a person by now. Refuse this one.")
                self.message_user(request, text % {"name": row.username}, messages.ERROR)
                continue
            if user is not None:
                self.log_addition(request, user, "Accepted an application.")
                accepted += 1
        text = ngettext("%(n)d accepted and mailed.", "%(n)d accepted and mailed.", accepted)
        self.message_user(request, text % {"n": accepted})

    @admin.action(permissions=["change"], description=gettext_lazy("Refuse: they get a mail"))
    def refuse(self, request: HttpRequest, rows: QuerySet[Application]) -> None:
        ids = rows.filter(refused_at=None).order_by("pk").values_list("pk", flat=True)
        refused = applications.refuse(list(ids[:MOST_AT_ONCE]), by=_operator(request))
        text = ngettext("%(n)d refused and mailed.", "%(n)d refused and mailed.", refused)
        self.message_user(request, text % {"n": refused})


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Read only. It does not show notes, which are between two people."""

    list_display = ("inviter", "taken_by", "created_at", "expires_at")
    list_select_related = ("inviter", "taken_by")
    search_fields = ("inviter__username", "taken_by__username")
    ordering = ("-pk",)
    fields = list_display
    search_help_text = gettext_lazy("A user name, exactly: who invited, or who came.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Invitation], search_term: str
    ) -> tuple[QuerySet[Invitation], bool]:
        return of_person(queryset, search_term, "inviter", "taken_by"), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False


def _operator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin requires it
    return request.user
