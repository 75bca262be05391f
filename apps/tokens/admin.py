"""Admin for tokens: which there are, without their digests, and a way to revoke them."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.tokens.models import Token


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    """Deleting a token revokes it."""

    list_display = ("name", "owner", "may", "created_at", "last_used_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username__startswith",)
    ordering = ("-id",)
    fields = readonly_fields = ("name", "owner", "may", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("may"))
    def may(self, token: Token) -> str:
        return ", ".join(token.scope.names)
