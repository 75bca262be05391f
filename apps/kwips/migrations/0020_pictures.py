import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kwips", "0019_is_sensitive"),
        ("pictures", "0001_pictures"),
    ]

    operations = [
        migrations.CreateModel(
            name="KwipPicture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kwip",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pictures",
                        to="kwips.kwip",
                    ),
                ),
                (
                    "picture",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="pictures.picture",
                    ),
                ),
                ("place", models.PositiveSmallIntegerField()),
            ],
            options={
                "verbose_name": "picture of a kwip",
                "ordering": ["place"],
                "indexes": [
                    models.Index(fields=["kwip", "place"], include=["picture"], name="kwip_pictures")
                ],
            },
        ),
    ]
