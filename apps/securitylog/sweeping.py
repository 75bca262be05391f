"""Deletes what is older than the log keeps. The database lets no one delete what is younger."""

from django.db import connection

from apps.securitylog.models import DAYS
from apps.securitylog.recording import SQL

BATCH = 5_000


def sweep() -> int:
    """Delete old entries in batches; returns how many. To be run every day."""
    swept = 0
    with connection.cursor() as cursor:
        while True:
            SQL.statement("sweep").execute(cursor, {"days": DAYS, "batch": BATCH})
            batch: int = cursor.rowcount
            swept += batch
            if batch < BATCH:
                return swept
