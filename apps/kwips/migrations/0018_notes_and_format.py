from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kwips", "0017_seen_comments"),
    ]

    operations = [
        migrations.AddField(
            model_name="kwip",
            name="content_note",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="a note before it"
            ),
        ),
        migrations.AddField(
            model_name="kwip",
            name="is_formatted",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="revision",
            name="content_note",
            field=models.CharField(db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="revision",
            name="is_formatted",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
