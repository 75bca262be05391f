import datetime

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

# Every command is written about four times and then deleted: the table stays small only if its dead rows
# are cleared away long before a fifth of it is dead (the default), and without the pauses meant for big
# tables. The space left on each page lets a lease be renewed without touching an index.
STORAGE = """
    ALTER TABLE commandqueue_command SET (
        fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_scale_factor = 0.1,
        autovacuum_analyze_scale_factor = 0.05,
        autovacuum_vacuum_cost_delay = 0,
        toast.autovacuum_vacuum_scale_factor = 0.01,
        toast.autovacuum_vacuum_threshold = 1000,
        toast.autovacuum_vacuum_cost_delay = 0
    )
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Allowance",
            fields=[
                ("mailer", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("used", models.IntegerField()),
                ("next_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Command",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("mail", "Mail"), ("task", "Task")], max_length=8)),
                (
                    "lane",
                    models.CharField(
                        choices=[("now", "Now"), ("default", "Default"), ("bulk", "Bulk")], max_length=8
                    ),
                ),
                ("backend", models.CharField(max_length=64)),
                ("priority", models.SmallIntegerField(db_default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("leased", "Leased"),
                            ("done", "Done"),
                            ("dead", "Dead"),
                            ("discarded", "Discarded"),
                        ],
                        db_default="waiting",
                        max_length=12,
                    ),
                ),
                ("secret", models.BooleanField(db_default=False)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("run_after", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("attempted_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("token", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "worker_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[]),
                ),
                ("unanswered", models.SmallIntegerField(db_default=0)),
                ("errors", models.JSONField(db_default=models.Value([], models.JSONField()))),
                ("message_id", models.TextField(db_default="")),
                ("sender", models.TextField(db_default="")),
                (
                    "recipients",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[]),
                ),
                ("refused", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("body", models.BinaryField(null=True)),
                ("task", models.TextField(db_default="")),
                ("arguments", models.JSONField(null=True)),
                ("result", models.JSONField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("lane"),
                        models.OrderBy(models.F("priority"), descending=True),
                        models.F("due_at"),
                        models.F("id"),
                        condition=models.Q(("state", "waiting")),
                        include=("expires_at",),
                        name="commandqueue_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "leased")), fields=["lane"], name="commandqueue_leased"
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["state", "finished_at"],
                        name="commandqueue_finished",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("backend", models.CharField(max_length=64)),
                ("task", models.TextField()),
                ("arguments", models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()))),
                ("every", models.DurationField()),
                ("enabled", models.BooleanField(db_default=True, default=True)),
                ("next_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_command_id", models.BigIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("every__gte", datetime.timedelta(seconds=1))),
                        name="commandqueue_every_is_positive",
                    )
                ],
            },
        ),
    ]
