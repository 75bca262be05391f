-- Deletes up to 1,000 finished commands that are older than their retention time.
-- index: commandqueue_finished (state, finished_at)
-- types: states text[], age float8
DELETE FROM commandqueue_command
WHERE id IN (
    SELECT id
    FROM commandqueue_command
    WHERE state = ANY (%(states)s)
      AND finished_at < statement_timestamp() - make_interval(secs => %(age)s)
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
RETURNING id
