from django.db import migrations, models


class Migration(migrations.Migration):
    """New names in Python alone: the database is not touched, as the release before still uses it."""

    dependencies = [("commandqueue", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("command", "commandqueue_due"),
                migrations.RemoveIndex("command", "commandqueue_leased"),
                migrations.RenameField("command", "lane", "queue_name"),
                migrations.AlterField(
                    "command",
                    "queue_name",
                    models.CharField(
                        choices=[("now", "Now"), ("default", "Default"), ("bulk", "Bulk")],
                        db_column="lane",
                        max_length=8,
                    ),
                ),
                migrations.AddIndex(
                    "command",
                    models.Index(
                        models.F("queue_name"),
                        models.OrderBy(models.F("priority"), descending=True),
                        models.F("due_at"),
                        models.F("id"),
                        condition=models.Q(("state", "waiting")),
                        include=("expires_at",),
                        name="commandqueue_due",
                    ),
                ),
                migrations.AddIndex(
                    "command",
                    models.Index(
                        condition=models.Q(("state", "leased")),
                        fields=["queue_name"],
                        name="commandqueue_leased",
                    ),
                ),
                migrations.RenameField("command", "unanswered", "lost_attempts"),
                migrations.AlterField(
                    "command", "lost_attempts", models.SmallIntegerField(db_column="unanswered", db_default=0)
                ),
                migrations.RenameModel("Allowance", "SendQuota"),
                migrations.AlterModelTable("sendquota", "commandqueue_allowance"),
            ]
        )
    ]
