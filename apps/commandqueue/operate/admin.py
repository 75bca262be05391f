"""The queue in the admin: metadata, never a body or an argument."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.commandqueue.models import Command, Queue, QueueControl, Schedule, State
from apps.commandqueue.operate import actions

if TYPE_CHECKING:
    _CommandAdmin = admin.ModelAdmin[Command]
    _ScheduleAdmin = admin.ModelAdmin[Schedule]
    _ControlAdmin = admin.ModelAdmin[QueueControl]
else:
    _CommandAdmin = _ScheduleAdmin = _ControlAdmin = admin.ModelAdmin

_STUCK = Case(When(Command.STUCK, then=Value(True)), default=Value(False))
# Commands, newest first, among which a column without an index is looked up.
WINDOW = 50_000


class StuckFilter(admin.SimpleListFilter):
    title = gettext_lazy("stuck")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("stuck"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Command]) -> QuerySet[Command]:
        return queryset.filter(Command.STUCK) if self.value() == "yes" else queryset


class StateFilter(admin.ChoicesFieldListFilter):
    """Adds what the index of finished commands has as its condition."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Command]) -> QuerySet[Command]:
        rows: Any = super().queryset(request, queryset)
        unfinished = {State.WAITING.value, State.LEASED.value}
        if not self.lookup_val or not unfinished.isdisjoint(self.lookup_val):
            return cast("QuerySet[Command]", rows)
        return cast("QuerySet[Command]", rows.filter(finished_at__isnull=False))


class NewestFilter(admin.ChoicesFieldListFilter):
    """Among the newest `WINDOW` commands: the column has no index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Command]) -> QuerySet[Command]:
        rows: Any = super().queryset(request, queryset)
        if not self.used_parameters:
            return cast("QuerySet[Command]", rows)
        newest = Command.objects.order_by("-pk").values_list("pk", flat=True)
        floor = next(iter(newest[WINDOW - 1 : WINDOW]), 0)
        return cast("QuerySet[Command]", rows.filter(pk__gte=floor))


@admin.register(Command)
class CommandAdmin(_CommandAdmin):
    list_display = ["id", "what", "queue_name", "state", "stuck", "age", "due", "attempts", "last_error"]
    list_filter = [StuckFilter, ("state", StateFilter), ("queue_name", NewestFilter), ("kind", NewestFilter)]
    # By the primary key, without a scan; not "=id", which compares text.
    search_fields = ["id__exact"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False
    actions = ["requeue", "discard"]
    readonly_fields = fields = (
        "what", "kind", "queue_name", "backend", "priority", "state", "secret", "created_at", "due_at",
        "expires_at", "started_at", "attempted_at", "finished_at", "lease_until", "worker_ids",
        "lost_attempts", "message_id", "sender", "recipients", "refused", "errors",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Command]:
        return super().get_queryset(request).annotate(is_stuck=_STUCK).defer("body", "arguments", "result")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("what"))
    def what(self, command: Command) -> str:
        return command.task or ", ".join(command.recipients)

    @admin.display(description=gettext_lazy("stuck"), ordering="is_stuck")
    def stuck(self, command: Command) -> str:
        is_stuck: bool = command.is_stuck  # type: ignore[attr-defined]  # annotated above
        return _("stuck") if is_stuck else "–"

    @admin.display(description=gettext_lazy("age"), ordering="created_at")
    def age(self, command: Command) -> str:
        return timesince(command.created_at, depth=1)

    @admin.display(description=gettext_lazy("due"), ordering="due_at")
    def due(self, command: Command) -> datetime | str:
        if command.finished_at is not None:
            return "–"
        return _("now") if command.due_at <= timezone.now() else command.due_at

    @admin.display(description=gettext_lazy("attempts"))
    def attempts(self, command: Command) -> int:
        return len(command.worker_ids)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, command: Command) -> str:
        return str(command.errors[-1]["reason"]) if command.errors else ""

    @admin.action(description=gettext_lazy("Requeue dead letters"), permissions=["change"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[Command]) -> None:
        count = actions.requeue(ids=queryset.values_list("pk", flat=True))
        left = queryset.count() - count
        text = ngettext("%(n)s command was requeued.", "%(n)s commands were requeued.", count)
        messages.info(request, text % {"n": count})
        if left:
            text = _("%(n)s could not be requeued: not dead, expired, or mail that carried a secret.")
            messages.warning(request, text % {"n": left})

    @admin.action(description=gettext_lazy("Discard: give up"), permissions=["change"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Command]) -> None:
        count = actions.discard(ids=queryset.values_list("pk", flat=True))
        text = ngettext("%(n)s command was discarded.", "%(n)s commands were discarded.", count)
        messages.info(request, text % {"n": count})


@admin.register(Schedule)
class ScheduleAdmin(_ScheduleAdmin):
    list_display = ["name", "task", "every", "next_at", "enabled"]
    fields = ["name", "backend", "task", "arguments", "every", "next_at", "enabled"]
    readonly_fields = ["name", "backend", "task", "arguments", "every"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(QueueControl)
class QueueControlAdmin(_ControlAdmin):
    """Pauses a queue or sets its pace; the next claim of each worker obeys. Django's log has who did it."""

    list_display = ["queue_name", "paused", "per_second"]
    fields = ["queue_name", "paused", "per_second"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["queue_name"] if obj is not None else []

    def save_model(self, request: HttpRequest, obj: QueueControl, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.paused and obj.queue_name == Queue.NOW:
            text = _("People wait for the mail of this queue: sign-up and password reset do not work now.")
            messages.warning(request, text)
