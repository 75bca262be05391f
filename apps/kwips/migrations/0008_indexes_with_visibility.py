"""Adds timeline indexes that include the columns of the visibility predicate."""

from django.db import migrations, models

from apps.kwips.migrations._concurrently import AddIndex

KWIPS = models.Q(thread__isnull=True)
COMMENTS = models.Q(thread__isnull=False)
READ = ("audience", "visibility", "withheld")


def index(name, fields, condition, *include):
    return AddIndex(
        "kwip", models.Index(fields=fields, name=name, include=(*include, *READ), condition=condition)
    )


class Migration(migrations.Migration):
    dependencies = [("kwips", "0007_fill_visibility_and_withheld")]
    atomic = False
    operations = [
        index("kwip_everyone_by_id", ["-id"], KWIPS, "author"),
        index("kwip_everyone_by_activity", ["-last_active_at", "-id"], KWIPS, "author"),
        index("kwip_person_by_id", ["author", "-id"], KWIPS),
        index("kwip_person_by_activity", ["author", "-last_active_at", "-id"], KWIPS),
        index("kwip_person_comments_by_id", ["author", "-id"], COMMENTS, "thread"),
        index("kwip_conversation_by_id", ["thread", "id"], COMMENTS, "author"),
        AddIndex(
            "kwip",
            models.Index(fields=["author"], name="kwip_withheld", condition=models.Q(withheld__gt=0)),
        ),
    ]
