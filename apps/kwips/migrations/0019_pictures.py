import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kwips", "0018_notes_and_format"),
        ("pictures", "0001_pictures"),
    ]

    operations = [
        migrations.AddField(
            model_name="kwip",
            name="is_sensitive",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
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
                ("position", models.PositiveSmallIntegerField()),
            ],
            options={
                "verbose_name": "picture of a kwip",
                "ordering": ["position"],
                "indexes": [
                    models.Index(fields=["kwip", "position"], include=["picture"], name="kwip_pictures")
                ],
            },
        ),
    ]
