-- Between two commands of a batch, in one round trip: settles the command that was just done, if any (a message
-- that was sent, a task that returned), and renews the lease of the next, if any, which counts its attempt. Both
-- find their row by token: a worker whose lease was taken back changes nothing. Any other result is settled by
-- settle.sql, and batched tasks by settle_batch.sql.
-- The renewal changes no indexed column, so it writes to no index.
-- state || '': the index of leased commands, which keeps the entries of all dead rows, must not look cheaper.
-- index: commandqueue_command_pkey (id)
-- types: done_token uuid, result jsonb, next_token uuid, worker text, lease float8
WITH settled AS (
    UPDATE commandqueue_command
    SET state = 'done',
        token = NULL,
        lease_until = NULL,
        finished_at = statement_timestamp(),
        unanswered = 0,
        result = coalesce(%(result)s::jsonb, result),
        body = NULL
    WHERE id = %(done)s AND token = %(done_token)s AND state || '' = 'leased'
    RETURNING id
), renewed AS (
    UPDATE commandqueue_command
    SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        attempted_at = statement_timestamp(),
        started_at = coalesce(started_at, statement_timestamp()),
        worker_ids = worker_ids || %(worker)s::text,
        unanswered = unanswered + 1
    WHERE id = %(next)s AND token = %(next_token)s AND state || '' = 'leased'
    RETURNING id, worker_ids, message_id, sender, recipients, refused, body,
        task, arguments, priority, created_at, run_after, started_at, attempted_at, errors
)
SELECT (SELECT count(*) FROM settled), renewed.*
FROM (VALUES (1)) AS always LEFT JOIN renewed ON true
