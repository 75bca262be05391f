-- Erases the bodies of up to 1,000 dead letters that have expired, so that they can't be requeued any more.
-- index: commandqueue_finished (state, finished_at)
UPDATE commandqueue_command
SET body = NULL
WHERE id IN (
    SELECT id
    FROM commandqueue_command
    WHERE state = 'dead' AND finished_at IS NOT NULL AND body IS NOT NULL AND expires_at <= statement_timestamp()
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
RETURNING id
