"""The table that counts tries. Both tables become known as models, so that tests empty them."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("limits", "0001_cache_table")]
    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE limits_tries (
                key uuid PRIMARY KEY,
                scope varchar(40) NOT NULL,
                times timestamptz[] NOT NULL,
                expires_at timestamptz NOT NULL
            );
            CREATE INDEX limits_tries_expires ON limits_tries (expires_at);
            """,
            "DROP TABLE limits_tries",
            state_operations=[
                migrations.CreateModel(
                    name="Tries",
                    fields=[
                        (
                            "key",
                            models.UUIDField(
                                primary_key=True,
                                serialize=False,
                                help_text="Keyed hash of the scope and of whoever is counted.",
                            ),
                        ),
                        ("scope", models.CharField(max_length=40)),
                        (
                            "times",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.DateTimeField(), size=None
                            ),
                        ),
                        ("expires_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "limits_tries",
                        "indexes": [models.Index(fields=["expires_at"], name="limits_tries_expires")],
                    },
                ),
                migrations.CreateModel(
                    name="CacheEntry",
                    fields=[
                        ("cache_key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                        ("value", models.TextField()),
                        ("expires", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "limits_cache",
                        "indexes": [models.Index(fields=["expires"], name="limits_cache_expires")],
                    },
                ),
            ],
        ),
    ]
