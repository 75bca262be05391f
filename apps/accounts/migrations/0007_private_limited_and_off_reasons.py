from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_display_name_prefix")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="is_limited",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="is_private",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="off_reasons",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
