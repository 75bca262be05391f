"""The admin of the people whom operators suggest to newcomers."""

from django.contrib import admin

from apps.directory.models import FirstFollow


@admin.register(FirstFollow)
class FirstFollowAdmin(admin.ModelAdmin):
    list_display = ("person", "place")
    list_select_related = ("person",)
    raw_id_fields = ("person",)
    ordering = ("place", "pk")
