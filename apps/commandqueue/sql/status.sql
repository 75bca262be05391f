-- What waits, is held or has died, by lane. Done ones are not counted: there may be millions.
-- Indexes: commandqueue_due, commandqueue_leased, commandqueue_finished.
SELECT lane, state, count(*),
    -- Since when the oldest has been due; a negative age is not due yet.
    extract(epoch FROM statement_timestamp() - min(CASE WHEN state = 'dead' THEN finished_at ELSE due_at END))
FROM commandqueue_command
WHERE state IN ('waiting', 'leased') OR (state = 'dead' AND finished_at IS NOT NULL)
GROUP BY lane, state
ORDER BY lane, state
