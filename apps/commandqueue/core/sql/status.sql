-- What waits, is held or has died, by lane. Done ones are not counted: there may be millions.
-- Indexes: commandqueue_due, commandqueue_leased, commandqueue_finished.
SELECT lane, state, count(*),
    -- From when it was made, not from its next attempt; a task from when it was to be run, so that a negative
    -- age is not due yet.
    extract(epoch FROM statement_timestamp() - min(
        CASE WHEN state = 'dead' THEN finished_at ELSE greatest(created_at, run_after) END
    )),
    -- As in stuck.sql and `Command.STUCK`.
    count(*) FILTER (WHERE state = 'waiting' AND (
        attempted_at IS NOT NULL OR due_at < statement_timestamp() - interval '1 minute'
    ))
FROM commandqueue_command
WHERE state IN ('waiting', 'leased') OR (state = 'dead' AND finished_at IS NOT NULL)
GROUP BY lane, state
ORDER BY lane, state
