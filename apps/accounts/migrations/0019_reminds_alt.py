from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0018_formats_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="reminds_alt",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
