-- Counts waiting, leased and dead commands by queue, for metrics and `manage.py queue status`. Done commands are
-- not counted: there may be millions.
-- index: commandqueue_due (lane, priority DESC, due_at, id), commandqueue_leased (lane), commandqueue_finished (state, finished_at)
SELECT lane, state, count(*),
    -- The age of the oldest: since it was enqueued, of a task since its run_after (negative: not due yet), of a
    -- dead letter since it died.
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
