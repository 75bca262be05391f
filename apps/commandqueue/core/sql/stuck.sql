-- The oldest stuck commands, for `manage.py queue status`: waiting after a failed attempt, or due for a minute
-- and not started.
-- Reads the whole index: all waiting commands.
-- index: commandqueue_due (lane, priority DESC, due_at, id)
SELECT id, kind, lane,
    extract(epoch FROM statement_timestamp() - greatest(created_at, run_after)),
    cardinality(worker_ids),
    extract(epoch FROM due_at - statement_timestamp()),
    errors -> -1
FROM commandqueue_command
WHERE state = 'waiting'
  AND (attempted_at IS NOT NULL OR due_at < statement_timestamp() - interval '1 minute')
ORDER BY created_at, id
LIMIT %(limit)s
