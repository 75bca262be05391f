"""The admin of moderation: the audit log, to read; suspending people, through `actions.act`."""

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import factor_resets
from apps.accounts.models import User
from apps.kwips.admin_confirmation import operator
from apps.kwips.people_admin import PersonAdmin
from apps.moderation import actions
from apps.moderation.models import Action, Reason, What
from apps.moderation.roles import Role, may_act, role_of

admin.site.unregister(User)


@admin.register(Action)
class ActionAdmin(admin.ModelAdmin):
    """The audit log. The database refuses changes as well."""

    list_display = ("id", "at", "actor_id", "what", "person_id", "kwip_id", "reason")
    ordering = ("-id",)
    actions = None
    fields = (
        "at", "actor_id", "what", "person_id", "kwip_id", "case_id", "reason", "words", "before", "after",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Action | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Action | None = None) -> bool:
        return False


@admin.register(User)
class ModeratedPersonAdmin(PersonAdmin):
    """Switching off and on is suspending and restoring, with the audit log and a mail."""

    actions = (*PersonAdmin.actions, "reset_factors")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return role_of(operator(request)) is Role.OPERATOR

    @admin.action(
        description=gettext_lazy("Take off the second factors in three days"), permissions=["operate"]
    )
    def reset_factors(self, request: HttpRequest, queryset: Any) -> None:
        begun = []
        for person in self._within_reach(request, queryset):
            with suppress(factor_resets.NothingToReset):
                factor_resets.ask(person=person, by=operator(request))
                self.log_change(request, person, "Reset of the second factors asked.")
                begun.append(person.username)
        text = _("They are mailed, and can stop it: %(n)s. Who has no second factor is left out.")
        messages.success(request, text % {"n": ", ".join(begun) or "0"})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_filter(request), "is_limited"]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*super().get_list_display(request), "is_limited")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "is_active", "is_limited")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else (*fieldsets, (_("moderation"), {"fields": ("is_limited",)}))

    def _switch(self, request: HttpRequest, people: list[User], *, is_active: bool) -> None:
        by, changed = operator(request), []
        what = What.RESTORE if is_active else What.SUSPEND
        for person in people:
            try:
                actions.act(what=what, person=person, by=by, reason=Reason.OTHER)
            except actions.NothingToDo:
                continue
            self.log_change(request, person, "Switched on." if is_active else "Switched off.")
            changed.append(person.username)
        text = _("Switched on: %(n)s.") if is_active else _("Switched off: %(n)s.")
        messages.success(request, text % {"n": ", ".join(changed) or "0"})

    def _within_reach(self, request: HttpRequest, queryset: Any) -> list[User]:
        """Also without those on whom the operator's role may not act."""
        people = super()._within_reach(request, queryset)
        allowed = [person for person in people if may_act(operator(request), person)]
        if len(allowed) < len(people):
            messages.warning(request, gettext_lazy("Those who need another role than yours are left out."))
        return allowed
