-- Takes back the leases that have ended, because their worker crashed or hangs. Every worker's housekeeper runs
-- it twice a second. A command whose attempt was lost waits by backoff, and after max_lost_attempts in a row it
-- is a dead letter: it may be what crashes workers. A command that was claimed and not started is due at once.
-- index: commandqueue_leased (lane)
-- types: base float8
WITH ended AS MATERIALIZED (
    SELECT id, unanswered >= %(max_lost_attempts)s AS is_dead
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
                'reason', 'attempt lost with its worker, ' || unanswered || ' in a row'
            ),
            '$[last - 9 to last]'
        )
    END,
    body = CASE WHEN is_dead AND secret THEN NULL ELSE body END
FROM ended
WHERE command.id = ended.id
RETURNING command.id, is_dead
