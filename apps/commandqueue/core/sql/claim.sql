-- Claims the next due commands of a queue: sets their lease and token. Rows locked by other workers are
-- skipped. Leased rows are never claimed: reap.sql makes them waiting again when their lease has ended.
-- An operator's settings hold for the queue (`QueueControl`): nothing of a paused one, and not more a second
-- than its pace, and once as many again after a time without commands. All workers share the pace: each claim
-- moves next_at, which begins at most a second in the past.
-- MATERIALIZED: inlined, the inner part could run more than once and lock more than its limit.
-- PostgreSQL 18 skips in the index from one priority to the next, and to ``since`` in each (core/horizon.py).
-- index: commandqueue_due (lane, priority DESC, due_at, id), commandqueue_queuecontrol_pkey (queue_name)
-- types: queue_name text, not_kinds text[], token uuid, lease float8, since timestamptz
WITH due AS MATERIALIZED (
    SELECT id, priority, due_at
    FROM commandqueue_command
    WHERE state = 'waiting'
      AND lane = %(queue_name)s
      AND due_at <= statement_timestamp()
      AND due_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND expires_at > statement_timestamp()
      AND kind <> ALL (%(not_kinds)s)
      AND NOT EXISTS (SELECT FROM commandqueue_queuecontrol WHERE queue_name = %(queue_name)s AND paused)
    ORDER BY priority DESC, due_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), pace AS (
    UPDATE commandqueue_queuecontrol
    SET next_at = greatest(next_at, statement_timestamp() - interval '1 second')
        + make_interval(secs => least(per_second, (SELECT count(*) FROM due)) / per_second::float8)
    WHERE queue_name = %(queue_name)s
      AND per_second IS NOT NULL
      AND next_at <= statement_timestamp()
      AND EXISTS (SELECT FROM due)
    RETURNING per_second
), taken AS (
    SELECT id
    FROM due
    ORDER BY priority DESC, due_at, id
    LIMIT CASE
        WHEN EXISTS (
            SELECT FROM commandqueue_queuecontrol WHERE queue_name = %(queue_name)s AND per_second IS NOT NULL
        ) THEN coalesce((SELECT per_second FROM pace), 0)
        ELSE %(limit)s
    END
)
UPDATE commandqueue_command AS command
SET state = 'leased',
    token = %(token)s,
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM taken
WHERE command.id = taken.id
RETURNING command.id, command.kind, command.lane, command.backend, cardinality(command.recipients),
    command.task, command.unanswered, command.priority, command.due_at
