"""Fills the new columns in batches of one transaction each; idempotent.

For rows that the previous release writes meanwhile, the predicate accepts an audience with visibility 0, and
`withholding.align_all`, which the release step and the schedule run, updates `withheld`.
"""

import sys
import time

from django.db import migrations, transaction

BATCH = 2_000
FOLLOWERS = """
    UPDATE kwips_kwip SET visibility = 1 WHERE id IN (
        SELECT id FROM kwips_kwip
        WHERE audience_id IS NOT NULL AND audience_id >= %s AND audience_id < %s AND visibility = 0
        ORDER BY id LIMIT %s FOR NO KEY UPDATE
    )
"""
# Locks the author's row last, so that it cannot deadlock with a switch.
WITHHELD = """
    WITH batch AS MATERIALIZED (
        SELECT id FROM kwips_kwip WHERE author_id = %s AND withheld & 1 = 0
        ORDER BY id LIMIT %s FOR NO KEY UPDATE
    ), author AS MATERIALIZED (
        SELECT id FROM accounts_user
        WHERE id = %s AND NOT is_active AND (SELECT count(*) FROM batch) > 0 FOR NO KEY UPDATE
    )
    UPDATE kwips_kwip SET withheld = withheld | 1
    WHERE id IN (SELECT id FROM batch) AND EXISTS (SELECT FROM author)
"""


def run(schema_editor, statement, parameters):
    """Repeats a statement, each time in a transaction, until it changes no row."""
    changed = 0
    while True:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            if not cursor.rowcount:
                return changed
            changed += cursor.rowcount


def fill(apps, schema_editor):
    started, filled = time.monotonic(), 0
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(audience_id), 0) FROM kwips_kwip WHERE audience_id IS NOT NULL")
        most = cursor.fetchone()[0]
        cursor.execute("SELECT id FROM accounts_user WHERE NOT is_active ORDER BY id")
        off = [row[0] for row in cursor.fetchall()]
    # By ranges of people, so that the index on the audience finds each batch.
    for start in range(0, most + 1, 1_000):
        filled += run(schema_editor, FOLLOWERS, [start, start + 1_000, BATCH])
        if time.monotonic() - started > 10:
            sys.stdout.write(f"\n    visibility: {filled:,} kwips, people up to {start:,} of {most:,}")
            sys.stdout.flush()
            started = time.monotonic()
    for person in off:
        filled += run(schema_editor, WITHHELD, [person, BATCH, person])


class Migration(migrations.Migration):
    dependencies = [("kwips", "0006_visibility_and_withheld"), ("accounts", "0002_switched_off")]
    atomic = False
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
