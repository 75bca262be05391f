"""The admin of the policy: one form, without a list."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.policy import blocked
from apps.policy.models import BlockedDomain, BlockedNetwork, SitePolicy


@admin.register(SitePolicy)
class SitePolicyAdmin(admin.ModelAdmin):
    raw_id_fields = ("greeter",)
    fieldsets = (
        (_("sign-up"), {"fields": ("sign_up", "new_account_hours")}),
        (_("under attack"), {"fields": ("attack_until", "attack_sign_up", "proof_of_work")}),
        (_("moderation"), {"fields": ("away_until",)}),
        (_("announcement"), {"fields": ("announcement", "announcement_until")}),
        (_("welcome"), {"fields": ("greeter", "greeting")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SitePolicy | None = None) -> bool:
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> SitePolicy | None:
        """The row, or one with the defaults, which the first save inserts."""
        return (SitePolicy.objects.filter(pk=1).first() or SitePolicy()) if object_id == "1" else None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:policy_sitepolicy_change", args=["1"]))


@admin.register(BlockedDomain, BlockedNetwork)
class BlockedAdmin(admin.ModelAdmin):
    list_display = ("value", "reason", "until", "created_at")
    search_fields = ("value__startswith",)
    ordering = ("value",)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[BlockedDomain] | QuerySet[BlockedNetwork]
    ) -> None:
        super().delete_queryset(request, queryset)
        blocked.changed()
