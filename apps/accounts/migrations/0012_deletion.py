import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_profiles")]

    operations = [
        migrations.CreateModel(
            name="ReservedName",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kept_until", models.DateTimeField(db_index=True)),
            ],
            options={"verbose_name": "reserved name"},
        ),
        migrations.CreateModel(
            name="Leaving",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(db_index=True)),
                ("progress", models.CharField(blank=True, default="", max_length=40)),
            ],
            options={"verbose_name": "person who is leaving"},
        ),
    ]
