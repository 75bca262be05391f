from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY, while the site writes

    dependencies = [("kwips", "0004_comment_answers")]

    operations = [
        AddIndexConcurrently(
            model_name="kwip",
            index=models.Index(
                condition=models.Q(("answers__isnull", False)), fields=["answers"], name="kwip_answers"
            ),
        ),
    ]
