from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_private_limited_and_off_reasons")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(condition=models.Q(("is_limited", True)), fields=["id"], name="user_limited"),
        ),
    ]
