"""Taking away what has expired."""

from django.db import connection

BATCH = 5_000
_TABLES = (("limits_tries", "expires_at"), ("limits_cache", "expires"))


def sweep() -> int:
    """Deletes expired tries and cache entries, a few thousand at a time; returns how many.

    To be called every few minutes. Rows that somebody is writing to just now are left for
    the next time, so nobody waits for a sweep.
    """
    return sum(_sweep(table, expires) for table, expires in _TABLES)


def _sweep(table: str, expires: str) -> int:
    # The index on the column finds them; the two names are our own.
    statement = f"""/* limits: sweep */
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {expires} < clock_timestamp()
            ORDER BY {expires} LIMIT %s FOR UPDATE SKIP LOCKED))"""  # noqa: S608
    swept = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [BATCH])
            batch: int = cursor.rowcount
            swept += batch
            if batch < BATCH:
                return swept
