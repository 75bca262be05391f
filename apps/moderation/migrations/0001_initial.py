import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# The audit log is append-only. The triggers refuse all changes, also by a superuser of the database, until
# someone disables them. The REVOKE refuses the statements to the role that migrates and serves the site: it owns
# the table, so it could grant them to itself again, which is a statement that no code of the site contains.
APPEND_ONLY = """
CREATE FUNCTION moderation_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER moderation_action_row BEFORE UPDATE OR DELETE ON moderation_action
    FOR EACH ROW EXECUTE FUNCTION moderation_refuse();
CREATE TRIGGER moderation_action_all BEFORE TRUNCATE ON moderation_action
    FOR EACH STATEMENT EXECUTE FUNCTION moderation_refuse();
REVOKE UPDATE, DELETE, TRUNCATE ON moderation_action FROM CURRENT_USER;
"""


def make_groups(apps, schema_editor):
    """The groups of `roles.py`."""
    for name in ("moderators", "operators"):
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Action",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor_id", models.BigIntegerField(null=True)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("dismiss", "dismiss"),
                            ("release", "let it be seen"),
                            ("warn", "warn"),
                            ("hide", "hide it"),
                            ("unhide", "show it again"),
                            ("delete", "delete it for good"),
                            ("limit", "limit the person"),
                            ("unlimit", "limit no longer"),
                            ("suspend", "suspend the person"),
                            ("restore", "suspend no longer"),
                            ("uphold", "it stays as it is"),
                            ("overturn", "it was wrong: undo it"),
                        ],
                        max_length=8,
                    ),
                ),
                ("person_id", models.BigIntegerField()),
                ("kwip_id", models.BigIntegerField(null=True)),
                ("case_id", models.BigIntegerField(null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("spam", "spam or advertising"),
                            ("harassment", "harassment or hate"),
                            ("illegal", "something illegal"),
                            ("private", "a person's private matters"),
                            ("impersonation", "pretends to be another person"),
                            ("other", "something else"),
                        ],
                        max_length=16,
                    ),
                ),
                ("words", models.TextField(blank=True, max_length=1000)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("form_key", models.UUIDField(unique=True)),
            ],
            options={
                "verbose_name": "moderation action",
                "verbose_name_plural": "audit log",
                "indexes": [
                    models.Index(fields=["person_id", "-id"], name="action_person"),
                    models.Index(
                        condition=models.Q(("kwip_id__isnull", False)), fields=["kwip_id"], name="action_kwip"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action_id", models.BigIntegerField(unique=True)),
                ("words", models.TextField(max_length=2000)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "appeal",
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("kwip", "a kwip or comment"),
                            ("message", "a message"),
                            ("person", "a person"),
                            ("appeal", "an appeal"),
                        ],
                        max_length=8,
                    ),
                ),
                ("subject", models.BigIntegerField()),
                ("text", models.TextField(blank=True)),
                ("opened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "case",
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(max_length=1000)),
                ("written_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "writer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("spam", "spam or advertising"),
                            ("harassment", "harassment or hate"),
                            ("illegal", "something illegal"),
                            ("private", "a person's private matters"),
                            ("impersonation", "pretends to be another person"),
                            ("other", "something else"),
                        ],
                        max_length=16,
                    ),
                ),
                ("words", models.TextField(blank=True, max_length=1000)),
                ("text", models.TextField(blank=True)),
                ("reported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reports",
                        to="moderation.case",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "report",
            },
        ),
        migrations.CreateModel(
            name="Warning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action_id", models.BigIntegerField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("spam", "spam or advertising"),
                            ("harassment", "harassment or hate"),
                            ("illegal", "something illegal"),
                            ("private", "a person's private matters"),
                            ("impersonation", "pretends to be another person"),
                            ("other", "something else"),
                        ],
                        max_length=16,
                    ),
                ),
                ("words", models.TextField(blank=True, max_length=1000)),
                ("text", models.TextField(blank=True)),
                ("given_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "warning",
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)), fields=["id"], name="case_open"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["person", "-id"], name="case_person"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)),
                fields=("kind", "subject"),
                name="case_open_once",
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["person", "-id"], name="note_person"),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(fields=("case", "reporter"), name="report_once"),
        ),
        migrations.AddIndex(
            model_name="warning",
            index=models.Index(
                condition=models.Q(("read_at__isnull", True)), fields=["person"], name="warning_unread"
            ),
        ),
        migrations.AddIndex(
            model_name="warning",
            index=models.Index(fields=["person", "-id"], name="warning_person"),
        ),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
