"""Enqueues at an even rate: `producer.py DSN A_SECOND`; reads seconds, one number a line.

By statements of its own, a hundred transactions a second, as the queue is measured and not the sender.
"""

import sys
import time

import psycopg2

TRANSACTIONS_A_SECOND = 100
TASK = "bench.heldsnapshot.tasks.nothing"
ENQUEUE = """
    INSERT INTO commandqueue_command (kind, lane, backend, expires_at, task, arguments)
    SELECT 'task', 'default', 'default', now() + interval '2 days', %(task)s, '{"args": [], "kwargs": {}}'
    FROM generate_series(1, %(half)s);
    INSERT INTO commandqueue_command (kind, lane, backend, expires_at, sender, recipients, message_id, body)
    SELECT 'mail', 'default', 'default', now() + interval '2 days', 'kwippy@example.org',
        ARRAY['ann@example.org'], '<1@example.org>', convert_to(repeat(md5(n::text), 50), 'UTF8')
    FROM generate_series(1, %(half)s) n
"""


def main() -> None:
    dsn, a_second = sys.argv[1], int(sys.argv[2])
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.monotonic()
        for number in range(int(float(line) * TRANSACTIONS_A_SECOND)):
            time.sleep(max(0, started + number / TRANSACTIONS_A_SECOND - time.monotonic()))
            cursor.execute(ENQUEUE, {"task": TASK, "half": a_second // TRANSACTIONS_A_SECOND // 2})
        print("0", flush=True)


if __name__ == "__main__":
    main()
