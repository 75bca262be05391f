"""Admin for contact messages: read, answer by mail, mark as handled."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from apps.contact.models import Message

WINDOW = 5_000  # messages, newest first, in which words are looked for


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ("subject", "name", "email", "sent_at", "is_handled")
    list_filter = ("is_handled",)
    list_select_related = ("member",)
    search_fields = ("subject", "name", "email", "text")
    ordering = ("-id",)
    actions = ("handled",)
    fields = ("subject", "name", "answer_to", "member", "sent_at", "text", "is_handled")
    readonly_fields = ("subject", "name", "answer_to", "member", "sent_at", "text")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Words have no index: the newest messages alone are searched."""
        if not search_term:
            return queryset, False
        newest = Message.objects.order_by("-pk").values_list("pk", flat=True)
        floor = next(iter(newest[WINDOW - 1 : WINDOW]), 0)
        return super().get_search_results(request, queryset.filter(pk__gte=floor), search_term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("e-mail address"))
    def answer_to(self, message: Message) -> str:
        query = urlencode({"subject": f"Re: {message.subject}"}).replace("+", "%20")
        return format_html('<a href="mailto:{}?{}">{}</a>', message.email, query, message.email)

    @admin.action(description=_("Mark as handled"))
    def handled(self, request: HttpRequest, messages: QuerySet[Message]) -> None:
        messages.update(is_handled=True)
