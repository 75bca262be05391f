-- Has dead letters tried again at once: these, or all. A task gets as long as it had; mail grows no fresher,
-- and mail that carried a secret or has expired has no body left. Index: commandqueue_finished.
UPDATE commandqueue_command
SET state = 'waiting',
    due_at = statement_timestamp(),
    expires_at = CASE WHEN kind = 'task' THEN statement_timestamp() + (expires_at - created_at) ELSE expires_at END,
    finished_at = NULL,
    unanswered = 0,
    refused = '{}'
WHERE state = 'dead'
  AND finished_at IS NOT NULL
  AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s::bigint[]))
  AND (kind = 'task' OR (NOT secret AND body IS NOT NULL AND expires_at > statement_timestamp()))
RETURNING id
