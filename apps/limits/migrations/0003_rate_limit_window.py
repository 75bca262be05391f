"""The model's name; its table keeps the name that it has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("limits", "0002_tries")]
    operations = [
        migrations.RenameModel("Tries", "RateLimitWindow"),
        migrations.AlterField(
            "ratelimitwindow",
            "key",
            models.UUIDField(
                primary_key=True, serialize=False, help_text="Keyed hash of the scope and the client."
            ),
        ),
    ]
