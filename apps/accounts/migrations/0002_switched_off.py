from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(fields=["id"], name="user_switched_off", condition=models.Q(is_active=False)),
        ),
    ]
