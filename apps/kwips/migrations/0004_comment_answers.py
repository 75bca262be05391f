import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kwips", "0003_tombstones_know_their_audience")]

    operations = [
        # A new column that is NULL everywhere: PostgreSQL neither rewrites nor scans the table.
        migrations.AddField(
            model_name="kwip",
            name="answers",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="kwips.kwip",
            ),
        ),
    ]
