from django.db import migrations, models

from apps.kwips.migrations._concurrently import AddIndex


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY, while the site writes

    dependencies = [("kwips", "0004_comment_answers")]

    operations = [
        AddIndex(
            model_name="kwip",
            index=models.Index(
                condition=models.Q(("answers__isnull", False)), fields=["answers"], name="kwip_answers"
            ),
        ),
    ]
