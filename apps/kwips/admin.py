"""The admin of kwips: the operator reads, searches and deletes them, with the actions of the site."""

import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.kwips import actions, attaching, of_the_day, people_admin, tasks
from apps.kwips.admin_confirmation import confirmation, is_confirmed, operator
from apps.kwips.admin_search import Sought, find
from apps.kwips.models import Kwip
from apps.kwips.text import excerpt

__all__ = ["KwipAdmin", "people_admin"]

# The limit of one action.
MOST = 20_000
# Kwips with more comments than this are deleted by the command queue.
AT_ONCE = 500


class WrittenFilter(admin.SimpleListFilter):
    """By date, through the primary key: ids rise with time, and dates have no index."""

    title = gettext_lazy("written")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", _("in the last day")), ("7", _("in the last 7 days")), ("30", _("in the last 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Kwip]) -> QuerySet[Kwip]:
        if self.value() not in ("1", "7", "30"):
            return queryset
        return queryset.filter(pk__gte=first_since(int(self.value() or 0)))


def first_since(days: int) -> int:
    """The lowest id that was written in the last so many days. By bisection: each step reads one row."""
    since = timezone.now() - datetime.timedelta(days=days)
    rows = Kwip.objects.values_list("pk", "created_at")
    low, high = 0, next(iter(Kwip.objects.order_by("-pk").values_list("pk", flat=True)[:1]), 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).order_by("pk").first()
        if found is not None and found[1] < since:
            low = found[0] + 1
        else:
            high = middle
    return low


class AudienceFilter(admin.SimpleListFilter):
    title = gettext_lazy("audience")
    parameter_name = "audience"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("everyone", _("everyone")), ("followers", _("followers only"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Kwip]) -> QuerySet[Kwip]:
        if self.value() not in ("everyone", "followers"):
            return queryset
        return queryset.filter(audience__isnull=self.value() == "everyone")


@admin.register(Kwip)
class KwipAdmin(admin.ModelAdmin):
    list_display = ("words", "page", "author", "seen_by", "created_at", "comments_count", "favourites_count")
    list_display_links = ("words",)
    list_select_related = ("author",)
    list_filter = (WrittenFilter, AudienceFilter)
    search_fields = ("text",)
    search_help_text = gettext_lazy(
        "Words (in the newest 50,000 kwips and comments; before:123 goes further back), @name (exactly this "
        "author), @begin* (authors whose names begin so), or the link or number of one."
    )
    ordering = ("-id",)
    actions = ("make_kwip_of_the_day", "delete_selected")
    fields = ("author", "thread", "seen_by", "text", "shown_pictures", "created_at", "edited_at")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("words"))
    def words(self, kwip: Kwip) -> str:
        return beginning(kwip)

    @admin.display(description=gettext_lazy("pictures"))
    def shown_pictures(self, kwip: Kwip) -> str:
        return format_html_join(
            " ",
            '<a href="{}"><img src="{}" alt="{}" title="{}" width="96" height="96"></a>',
            [
                (each.urls.full, each.urls.thumb, each.alt, each.alt)
                for each in attaching.pictures_of(kwip.pk)
            ],
        )

    @admin.display(description=gettext_lazy("audience"))
    def seen_by(self, kwip: Kwip) -> str:
        return _("followers only") if kwip.followers_only else _("everyone")

    @admin.display(description=gettext_lazy("on the site"))
    def page(self, kwip: Kwip) -> str:
        return format_html('<a href="{}">{}</a>', self.view_on_site(kwip), _("view on site"))

    def view_on_site(self, kwip: Kwip) -> str:
        return f"/{kwip.author.username}/kwip/{kwip.pk}/"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Kwip | None = None) -> bool:
        return False  # saving would write back stale counters

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Kwip], search_term: str
    ) -> tuple[QuerySet[Kwip], bool]:
        return find(queryset, Sought.parse(search_term))[0], False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        listed = getattr(answer, "context_data", {}).get("cl")
        if listed is not None and request.method == "GET":
            _report_search(request, listed)
            if number := tasks.removals():
                text = ngettext(
                    "%(n)s removal is under way; reload to see what is left.",
                    "%(n)s removals are under way; reload to see what is left.",
                    number,
                )
                messages.info(request, text % {"n": number})
        return answer

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[Any, dict[str, int], set[str], Any]:
        kwips = list(objs)
        comments = _below([kwip.pk for kwip in kwips])
        counts = {_("kwips and comments"): len(kwips), _("comments below them"): comments}
        lines = [f"{kwip.author.username}: {beginning(kwip)}" for kwip in kwips]
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return lines, counts, lacking, []

    def delete_model(self, request: HttpRequest, obj: Kwip) -> None:
        while actions.delete_piece(kwip_ids=[obj.pk]):
            pass

    @admin.action(description=gettext_lazy("Make it the kwip of the day"), permissions=["delete"])
    def make_kwip_of_the_day(self, request: HttpRequest, queryset: QuerySet[Kwip]) -> None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            messages.error(request, _("Select one kwip."))
            return
        try:
            of_the_day.choose(kwip=chosen[0], by=operator(request))
        except of_the_day.NotForEveryone:
            messages.error(request, _("Only a kwip that everyone may read can be the kwip of the day."))
            return
        self.log_change(request, chosen[0], "Made it the kwip of the day.")
        messages.success(request, _("It is the kwip of the day."))

    @admin.action(description=gettext_lazy("Delete selected kwips"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Kwip]) -> HttpResponse | None:
        """Deletes the selection: a page at once, more by the command queue."""
        if upto := request.POST.get("upto", ""):
            # Not what was written after the confirmation page.
            queryset = queryset.filter(pk__lte=int(upto) if upto.isascii() and upto.isdigit() else 0)
        ids = list(queryset.order_by("-pk").values_list("pk", flat=True)[: MOST + 1])
        if len(ids) > MOST:
            text = _("That is more than %(n)s, the most at once: narrow the list down.") % {"n": f"{MOST:,}"}
            messages.error(request, text)
            return None
        if not is_confirmed(request):
            return self._ask(request, queryset, ids)
        if len(ids) <= self.list_per_page and _below(ids) <= AT_ONCE:
            self.log_deletions(request, queryset)
            removed = actions.delete_all(kwip_ids=ids)
            messages.success(request, _("%(n)s kwips and comments are deleted.") % {"n": removed})
        else:
            sought = str(Sought.parse(request.GET.get("q", ""))) or _("selection")
            number = tasks.begin_removing(kwip_ids=ids, by=operator(request), sought=sought)
            text = _("The removal of %(n)s kwips and comments has begun; reload to see what is left.")
            messages.success(request, text % {"n": f"{number:,}"})
        return None

    def _ask(self, request: HttpRequest, queryset: QuerySet[Kwip], ids: list[int]) -> HttpResponse:
        shown = queryset.order_by("-pk").select_related("author")[:20]
        return confirmation(
            self,
            request,
            action="delete_selected",
            title=_("Delete %(n)s kwips and comments?") % {"n": f"{len(ids):,}"},
            note=_("With all comments below them, for good."),
            lines=[f"{kwip.author.username}: {beginning(kwip)}" for kwip in shown],
            more=max(0, len(ids) - 20),
            hidden={"upto": str(ids[0])} if ids else {},
        )


def _below(kwip_ids: list[int]) -> int:
    """The number of comments on these kwips."""
    return Kwip.objects.filter(pk__in=kwip_ids).aggregate(n=Sum("comments_count"))["n"] or 0


def beginning(kwip: Kwip) -> str:
    return excerpt(kwip.noted_text, words=20, characters=80) or "…"


def _report_search(request: HttpRequest, listed: Any) -> None:
    """Shows the range that was searched, and the terms if the result is empty."""
    if not listed.query:
        return
    sought = Sought.parse(listed.query)
    _found, floor = find(Kwip.objects.all(), sought)
    if not listed.result_count:
        messages.warning(request, _("Nothing found. Looked for: %(what)s.") % {"what": sought})
    if floor is not None:
        text = _("Words were looked for down to kwip %(floor)s only; add before:%(floor)s to go on below it.")
        messages.info(request, text % {"floor": floor})
