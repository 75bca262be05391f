-- Makes dead letters (these ids, or all) due again at once. A task gets its full lifetime again; a message keeps
-- its expiry, and is left out if it has expired or carried a secret, as its body is erased.
-- By primary key for ids, by commandqueue_finished for all.
-- index: commandqueue_command_pkey (id), commandqueue_finished (state, finished_at)
-- types: ids bigint[]
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
