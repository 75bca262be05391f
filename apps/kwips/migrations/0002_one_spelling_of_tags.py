"""Adds the canonical spelling (NFKC) of tags to kwips with other spellings.

The other rows stay, because the previous release reads them.
"""

import unicodedata

from django.db import migrations


def file_under_the_one_spelling(apps, schema_editor):
    Tag = apps.get_model("kwips", "Tag")  # noqa: N806 - as the linter of migrations asks
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM kwips_tag WHERE normalize(name, NFKC) <> name ORDER BY id")
        for old, name in cursor.fetchall():
            one = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
            if len(one) > 50:
                continue
            new = Tag.objects.get_or_create(name=one)[0].pk
            cursor.execute(
                "INSERT INTO kwips_kwiptag (tag_id, kwip_id) SELECT %s, kwip_id FROM kwips_kwiptag"
                " WHERE tag_id = %s ON CONFLICT DO NOTHING",
                [new, old],
            )


class Migration(migrations.Migration):
    dependencies = [("kwips", "0001_initial")]

    operations = [migrations.RunPython(file_under_the_one_spelling, migrations.RunPython.noop, elidable=True)]
