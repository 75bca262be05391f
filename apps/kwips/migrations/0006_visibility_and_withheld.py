from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kwips", "0005_comment_answers_index")]

    # Database defaults: PostgreSQL rewrites nothing, and the previous release inserts without the columns.
    operations = [
        migrations.AddField(
            "kwip",
            "visibility",
            models.SmallIntegerField(
                choices=[(0, "everyone"), (1, "followers only")], db_default=0, default=0, editable=False
            ),
        ),
        migrations.AddField(
            "kwip", "withheld", models.SmallIntegerField(db_default=0, default=0, editable=False)
        ),
    ]
