-- Between two commands of a batch, in one round trip: settles the message that was just sent, if any, as done,
-- and renews the lease of the next command, if any, which counts its attempt. Both find their row by token: a
-- worker whose lease was taken back changes nothing. Any other result is settled by settle.sql.
-- The renewal changes no indexed column, so it writes to no index.
-- index: commandqueue_command_pkey (id)
-- types: sent_token uuid, next_token uuid, worker text, lease float8
WITH settled AS (
    UPDATE commandqueue_command
    SET state = 'done',
        token = NULL,
        lease_until = NULL,
        finished_at = statement_timestamp(),
        unanswered = 0,
        body = NULL
    WHERE id = %(sent)s AND token = %(sent_token)s AND state = 'leased'
    RETURNING id
), renewed AS (
    UPDATE commandqueue_command
    SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        attempted_at = statement_timestamp(),
        started_at = coalesce(started_at, statement_timestamp()),
        worker_ids = worker_ids || %(worker)s::text,
        unanswered = unanswered + 1
    WHERE id = %(next)s AND token = %(next_token)s AND state = 'leased'
    RETURNING id, cardinality(worker_ids) AS attempts, message_id, sender, recipients, refused, body
)
SELECT (SELECT count(*) FROM settled), renewed.*
FROM (VALUES (1)) AS always LEFT JOIN renewed ON true
