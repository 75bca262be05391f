-- Claims the next due commands of a queue: sets their lease and token. Rows locked by other workers are
-- skipped. Leased rows are never claimed: reap.sql makes them waiting again when their lease has ended.
-- MATERIALIZED: inlined, the inner part could run more than once and lock more than its limit.
-- PostgreSQL 18 skips in the index from one priority to the next.
-- index: commandqueue_due (lane, priority DESC, due_at, id)
-- types: queue_name text, not_kinds text[], token uuid, lease float8
WITH due AS MATERIALIZED (
    SELECT id
    FROM commandqueue_command
    WHERE state = 'waiting'
      AND lane = %(queue_name)s
      AND due_at <= statement_timestamp()
      AND expires_at > statement_timestamp()
      AND kind <> ALL (%(not_kinds)s)
    ORDER BY priority DESC, due_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE commandqueue_command AS command
SET state = 'leased',
    token = %(token)s,
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM due
WHERE command.id = due.id
RETURNING command.id, command.kind, command.lane, command.backend, cardinality(command.recipients),
    command.priority, command.due_at
