-- Makes up to 1,000 commands that still wait at their expiry dead letters, and erases their bodies.
-- The index includes expires_at: no other column is read.
-- index: commandqueue_due (lane, priority DESC, due_at, id)
WITH expired AS MATERIALIZED (
    SELECT id
    FROM commandqueue_command
    WHERE state = 'waiting' AND expires_at <= statement_timestamp()
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
UPDATE commandqueue_command AS command
SET state = 'dead',
    finished_at = statement_timestamp(),
    errors = jsonb_path_query_array(
        errors || jsonb_build_object('at', statement_timestamp(), 'reason', 'expired'), '$[last - 9 to last]'
    ),
    body = NULL
FROM expired
WHERE command.id = expired.id
RETURNING command.id
