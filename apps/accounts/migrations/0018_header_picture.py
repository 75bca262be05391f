from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_shortcuts"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="header_picture",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=32),
        ),
    ]
