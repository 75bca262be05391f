-- What nobody could do in time becomes a dead letter without its body. Index: commandqueue_due, alone.
WITH late AS MATERIALIZED (
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
        errors || jsonb_build_object('at', statement_timestamp(), 'reason', 'it expired'), '$[last - 9 to last]'
    ),
    body = NULL
FROM late
WHERE command.id = late.id
RETURNING command.id
