"""Drops the former indexes: the new ones serve the previous release too."""

from django.db import migrations

from apps.kwips.migrations._concurrently import RemoveIndex

NAMES = (
    "kwip_everyone",
    "kwip_everyone_active",
    "kwip_person",
    "kwip_person_active",
    "kwip_person_comments",
    "kwip_conversation",
)


class Migration(migrations.Migration):
    dependencies = [("kwips", "0008_indexes_with_visibility")]
    atomic = False
    operations = [RemoveIndex("kwip", name) for name in NAMES]
