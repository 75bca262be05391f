from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_shortcuts"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="formats_texts",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
    ]
