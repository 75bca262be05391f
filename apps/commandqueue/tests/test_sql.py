"""The .sql files: their headers, and the plan of a claim."""

from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_claim_reads_no_more_of_the_index_than_it_takes(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commandqueue_command (kind, lane, backend, priority, due_at, expires_at)"
            " SELECT 'mail', 'default', 'default', n % 3, now() + (n % 2) * interval '1 day',"
            " now() + interval '1 week'"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute("VACUUM ANALYZE commandqueue_command")
        from apps.commandqueue.core.statements import SQL

        parameters: dict[str, Any] = {
            "queue_name": "default", "limit": 20, "lease": 60, "token": "0" * 32, "not_kinds": [],
            "since": None,
        }  # fmt: skip
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + SQL.statement("claim").text, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "commandqueue_due" in plan
    assert "Seq Scan" not in plan
