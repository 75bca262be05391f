-- Settles an attempt: records its result and ends the lease, if the lease is still this worker's (by token). A
-- retry that would be due after the expiry is a dead letter instead. A message that was sent is settled by
-- settle_and_renew.sql.
-- state || '': the index of leased commands, which keeps the entries of all dead rows, must not look cheaper.
-- index: commandqueue_command_pkey (id)
-- types: state text, delay float8, token uuid, error jsonb, recipients text[], refused jsonb, result jsonb
WITH held AS (
    SELECT id,
        CASE
            WHEN %(state)s = 'waiting'
                 AND statement_timestamp() + make_interval(secs => %(delay)s) >= expires_at THEN 'dead'
            ELSE %(state)s
        END AS state
    FROM commandqueue_command
    WHERE id = %(id)s AND token = %(token)s AND state || '' = 'leased'
    FOR UPDATE
)
UPDATE commandqueue_command AS command
SET state = held.state,
    token = NULL,
    lease_until = NULL,
    unanswered = 0,
    due_at = CASE
        WHEN held.state = 'waiting' THEN statement_timestamp() + make_interval(secs => %(delay)s)
        ELSE due_at
    END,
    finished_at = CASE WHEN held.state = 'waiting' THEN NULL ELSE statement_timestamp() END,
    errors = CASE
        WHEN %(error)s::jsonb IS NULL THEN errors
        ELSE jsonb_path_query_array(
            errors || (jsonb_build_object('at', statement_timestamp()) || %(error)s::jsonb), '$[last - 9 to last]'
        )
    END,
    recipients = coalesce(%(recipients)s::text[], recipients),
    refused = refused || %(refused)s::jsonb,
    result = coalesce(%(result)s::jsonb, result),
    body = CASE WHEN held.state IN ('done', 'discarded') OR (held.state = 'dead' AND secret) THEN NULL ELSE body END
FROM held
WHERE command.id = held.id
RETURNING held.state
