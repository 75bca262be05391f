-- Enqueues a task, in the caller's transaction. Its lifetime begins when it is due.
-- Writes the primary key and commandqueue_due.
-- index: none, it reads no row
-- types: queue_name text, backend text, priority smallint, run_after timestamptz, lifetime float8, task text,
-- arguments jsonb
INSERT INTO commandqueue_command (
    kind, lane, backend, priority, run_after, due_at, expires_at, task, arguments
) VALUES (
    'task', %(queue_name)s, %(backend)s, %(priority)s, %(run_after)s,
    coalesce(%(run_after)s, statement_timestamp()),
    greatest(%(run_after)s, statement_timestamp()) + make_interval(secs => %(lifetime)s),
    %(task)s, %(arguments)s
)
RETURNING id, created_at
