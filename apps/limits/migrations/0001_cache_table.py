"""The table behind allauth's rate limits, so that an operator does not need `createcachetable`."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE limits_cache (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX limits_cache_expires ON limits_cache (expires);
            """,
            "DROP TABLE limits_cache",
        )
    ]
