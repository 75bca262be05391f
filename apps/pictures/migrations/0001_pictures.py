import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=32, unique=True)),
                ("shape", models.CharField(db_default="whole", max_length=8)),
                (
                    "alt",
                    models.TextField(blank=True, db_default="", max_length=1500, verbose_name="in words"),
                ),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                (
                    "focal_x",
                    models.PositiveSmallIntegerField(
                        db_default=50, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "focal_y",
                    models.PositiveSmallIntegerField(
                        db_default=50, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                ("color", models.CharField(max_length=7)),
                ("is_animated", models.BooleanField(db_default=False)),
                ("bytes", models.PositiveIntegerField(db_default=0)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("waits_until", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "picture",
                "verbose_name_plural": "pictures",
                "indexes": [
                    models.Index(fields=["owner", "id"], name="picture_owner_id"),
                    models.Index(
                        condition=models.Q(("waits_until__isnull", False)),
                        fields=["waits_until"],
                        name="picture_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("focal_x__lte", 100), ("focal_y__lte", 100)),
                        name="picture_focal_point",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("color__regex", "^#[0-9a-f]{6}$")), name="picture_color_shape"
                    ),
                ],
            },
        ),
    ]
