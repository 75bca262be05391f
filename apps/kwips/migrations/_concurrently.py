"""Builds and drops indexes CONCURRENTLY; an interrupted migration can be run again."""

from contextlib import contextmanager

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently

_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


@contextmanager
def patient(schema_editor):
    """Raises the timeouts: CONCURRENTLY waits for transactions and blocks none."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        before = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = '5min'")
        try:
            yield cursor
        finally:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", before[:1])
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", before[1:])


class Patient:
    """Base of both operations. The migration linter collects their SQL inside a transaction."""

    def _ensure_not_in_transaction(self, schema_editor):
        if not schema_editor.collect_sql:
            super()._ensure_not_in_transaction(schema_editor)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.collect_sql:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        with patient(schema_editor) as cursor:
            if self._is_wanted(cursor):
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def _is_wanted(self, cursor):
        return True


class AddIndex(Patient, AddIndexConcurrently):
    """Skips a valid index, and replaces the invalid index of an interrupted build."""

    def _is_wanted(self, cursor):
        cursor.execute(_IS_VALID, [self.index.name])
        found = cursor.fetchone()
        if found == (False,):
            cursor.execute(f'DROP INDEX CONCURRENTLY "{self.index.name}"')
        return found != (True,)


class RemoveIndex(Patient, RemoveIndexConcurrently):
    """Django's operation, which uses IF EXISTS."""
