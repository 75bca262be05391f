"""The admin of the pages: three texts to edit, none to add or delete."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.plaintext import clean
from apps.sitepages.models import SitePage, Slug
from apps.sitepages.queries import text_of_release


class SitePageForm(forms.ModelForm):
    """Begins with the text of the release, and stores it as empty if it was not changed."""

    class Meta:
        model = SitePage
        fields = ("text",)
        widgets = {"text": forms.Textarea(attrs={"rows": 40, "cols": 100, "dir": "auto"})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["text"] = self.initial.get("text") or text_of_release(self.instance.slug)

    def clean_text(self) -> str:
        text = clean(self.cleaned_data["text"])
        return "" if text == clean(text_of_release(self.instance.slug)) else text


@admin.register(SitePage)
class SitePageAdmin(admin.ModelAdmin):
    form = SitePageForm
    list_display = ("__str__", "is_own", "changed_at")
    actions = None

    @admin.display(description=_("text of your own"), boolean=True)
    def is_own(self, page: SitePage) -> bool:
        return bool(page.text)

    def view_on_site(self, page: SitePage) -> str:
        return f"/{page.slug}/"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SitePage | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """The list has all pages: those without a row get one, with the text of the release."""
        rows = [SitePage(slug=slug) for slug in Slug.values]
        SitePage.objects.bulk_create(rows, ignore_conflicts=True)
        return super().changelist_view(request, extra_context)
