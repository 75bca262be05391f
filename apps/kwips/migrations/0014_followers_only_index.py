from django.db import migrations, models

from apps.kwips.migrations._concurrently import AddIndex


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY, while the site writes

    dependencies = [("kwips", "0013_narrowing")]

    operations = [
        AddIndex(
            model_name="kwip",
            index=models.Index(
                condition=models.Q(("audience__isnull", False), ("thread__isnull", True)),
                fields=["audience"],
                name="kwip_followers_only",
            ),
        ),
    ]
