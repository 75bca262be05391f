from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kwips", "0016_imported_kwips"),
    ]

    operations = [
        migrations.AddField(
            model_name="track",
            name="seen_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="track",
            name="seen_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
