from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        # Not concurrently: that could not be tried again after it waited too long for a lock.
        migrations.AddIndex(
            "user",
            models.Index(fields=["id"], name="user_switched_off", condition=models.Q(is_active=False)),
        ),
    ]
