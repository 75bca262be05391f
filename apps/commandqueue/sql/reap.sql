-- Takes back what workers held that have died. A command that was begun too often without any result is a
-- dead letter; one that was begun waits a little; the others are due at once. Index: commandqueue_leased.
WITH lost AS MATERIALIZED (
    SELECT id, unanswered >= %(most_unanswered)s AS is_dead
    FROM commandqueue_command
    WHERE state = 'leased' AND lease_until <= statement_timestamp()
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
UPDATE commandqueue_command AS command
SET state = CASE WHEN is_dead THEN 'dead' ELSE 'waiting' END,
    token = NULL,
    lease_until = NULL,
    due_at = CASE
        WHEN unanswered = 0 OR is_dead THEN due_at
        ELSE statement_timestamp() + make_interval(secs => random() * %(base)s * 2 ^ unanswered)
    END,
    finished_at = CASE WHEN is_dead THEN statement_timestamp() END,
    errors = CASE
        WHEN unanswered = 0 THEN errors
        ELSE jsonb_path_query_array(
            errors || jsonb_build_object(
                'at', statement_timestamp(),
                'reason', 'its worker was lost, ' || unanswered || ' times in a row'
            ),
            '$[last - 9 to last]'
        )
    END,
    body = CASE WHEN is_dead AND secret THEN NULL ELSE body END
FROM lost
WHERE command.id = lost.id
RETURNING command.id, is_dead
