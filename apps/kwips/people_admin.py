"""The admin of people with their kwips: switches people off and on, removes what they wrote.

It extends `apps.accounts.admin`, which may not import kwips.
"""

from typing import Any

import structlog
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import actions
from apps.accounts.admin import UserAdmin
from apps.accounts.models import User
from apps.kwips import tasks
from apps.kwips.admin_confirmation import confirmation, is_confirmed, operator

log = structlog.get_logger("kwippy.accounts")
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):
    actions: tuple[str, ...] = ("switch_off", "switch_on", "remove_written", "switch_off_and_remove")
    search_help_text = gettext_lazy(
        "A user name, an address or a name to show, exactly; ann* finds names that begin with ann."
    )

    @admin.display(description=gettext_lazy("what they wrote"))
    def written(self, person: User) -> str:
        path = "/admin/kwips/kwip/?" + urlencode({"q": f"@{person.username}"})
        counts = _("%(kwips)s kwips, %(comments)s comments") % {
            "kwips": f"{person.kwips_count:,}",
            "comments": f"{person.comments_count:,}",
        }
        return format_html('<a href="{}">{}</a>', path, counts)

    @admin.display(description=gettext_lazy("what they wrote"))
    def written_now(self, person: User) -> str:
        """The same, with the state of a removal, which costs a query."""
        status = _("being removed: reload to see what is left") if tasks.removals(person) else ""
        return format_html("{} {}", self.written(person), status)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*super().get_list_display(request), "written")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "written_now")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = tuple(super().get_fieldsets(request, obj))
        return fieldsets if obj is None else (*fieldsets, (_("kwips"), {"fields": ("written_now",)}))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = search_term.replace("\0", "").strip().strip("/").removeprefix("@").lower()
        if not term:
            return queryset, False
        rows = queryset.alias(address=Lower("email"), shown=Lower("display_name"))
        # The index of names to show has no empty ones. That of addresses finds them whole.
        shown = ~Q(display_name="")
        if term.endswith("*"):
            begin = term.removesuffix("*")
            return rows.filter(Q(username__startswith=begin) | shown & Q(shown__startswith=begin)), False
        return rows.filter(Q(username=term) | Q(address=term) | shown & Q(shown=term)), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        listed = getattr(answer, "context_data", {}).get("cl")
        if listed is not None and listed.query and not listed.result_count:
            text = _(
                "Nothing found. “%(q)s” was looked for as a user name, an address and a name to show, "
                "exactly; %(q)s* looks for what begins so."
            )
            messages.warning(request, text % {"q": listed.query.removesuffix("*")})
        return answer

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("kwips.delete_kwip")

    def has_change_and_remove_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_remove_permission(request)

    @admin.action(
        description=gettext_lazy("Switch off: no signing in, what they wrote is hidden"),
        permissions=["change"],
    )
    def switch_off(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, self._within_reach(request, queryset), is_active=False)

    @admin.action(description=gettext_lazy("Switch on again"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, self._within_reach(request, queryset), is_active=True)

    @admin.action(description=gettext_lazy("Remove what they wrote, for good"), permissions=["remove"])
    def remove_written(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self._remove(request, queryset, action="remove_written")

    @admin.action(
        description=gettext_lazy("Switch off, and remove what they wrote"), permissions=["change_and_remove"]
    )
    def switch_off_and_remove(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self._remove(request, queryset, action="switch_off_and_remove")

    def _remove(self, request: HttpRequest, queryset: QuerySet[User], *, action: str) -> HttpResponse | None:
        people = self._within_reach(request, queryset)
        off = action == "switch_off_and_remove"
        if people and not is_confirmed(request):
            names = ", ".join(person.username for person in people[:20])
            title = _("Switch off, and remove what they wrote?") if off else _("Remove what they wrote?")
            note = _("All kwips and comments of %s, with the comments below them, for good.")
            if off:
                note = _(
                    "All kwips and comments of %s, with the comments below them and the picture, for good."
                )
            return confirmation(
                self, request, action=action, title=title,
                note=note % names,
                lines=[
                    f"{person.username}: {person.kwips_count:,} kwips, {person.comments_count:,} comments"
                    for person in people[:20]
                ],
                more=max(0, len(people) - 20),
            )  # fmt: skip
        if off:
            self._switch(request, people, is_active=False)
            for who in people:
                actions.change_picture(user=who, picture=None)
                actions.change_header_picture(user=who, picture=None)
        begun = [who for who in people if tasks.begin_removing_written(person=who, by=operator(request))]
        if begun:
            text = _("The removal of what %(names)s wrote has begun; their page says what is left.")
            messages.success(request, text % {"names": ", ".join(person.username for person in begun)})
        return None

    @transaction.atomic
    def _switch(self, request: HttpRequest, people: list[User], *, is_active: bool) -> None:
        act = actions.switch_on if is_active else actions.switch_off
        changed = act(people=people, by=operator(request))
        said = "Switched on." if is_active else "Switched off."
        for person in changed:
            self.log_change(request, person, said)
        text = _("Switched on: %(n)s.") if is_active else _("Switched off: %(n)s.")
        messages.success(request, text % {"n": ", ".join(person.username for person in changed) or "0"})

    def _within_reach(self, request: HttpRequest, queryset: QuerySet[User]) -> list[User]:
        """The chosen people, without the operator; superusers only if the operator is one."""
        by = operator(request)
        chosen = list(queryset.order_by("pk"))
        people = [who for who in chosen if who != by and (by.is_superuser or not who.is_superuser)]
        if len(people) < len(chosen):
            messages.warning(request, _("Yourself and superusers are left out."))
        return people
