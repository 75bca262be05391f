from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kwips", "0018_notes_and_format"),
    ]

    operations = [
        migrations.AddField(
            model_name="kwip",
            name="is_sensitive",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
