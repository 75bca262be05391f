from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_staff_index"),
    ]

    operations = [
        # The field has a new name, its column stays.
        migrations.AlterField(
            model_name="user",
            name="avatar",
            field=models.CharField(
                blank=True,
                db_column="avatar",
                editable=False,
                help_text="Name of the picture below media/avatars.",
                max_length=64,
            ),
        ),
        migrations.RenameField(model_name="user", old_name="avatar", new_name="picture"),
        migrations.AddField(
            model_name="user",
            name="face",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=5),
        ),
    ]
